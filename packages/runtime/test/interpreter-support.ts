import {
  type NDArray,
  type Primitive,
  type PrimitiveAttributes,
  type Shape,
  apply,
  ndarray,
  placeholder,
  sizeOf,
} from '@brownian/graph';
import { expect } from 'vitest';
import { interpret } from '../src/interpreter/interpret.ts';

/** A float32 array with double precision values. */
export function f64(values: readonly number[], shape: Shape = [values.length]): NDArray {
  return ndarray(Float64Array.from(values), shape);
}

export function i32(values: readonly number[], shape: Shape = [values.length]): NDArray {
  return ndarray(Int32Array.from(values), shape);
}

export function i64(values: readonly bigint[], shape: Shape = [values.length]): NDArray {
  return ndarray(BigInt64Array.from(values), shape);
}

export function bool(values: readonly number[], shape: Shape = [values.length]): NDArray {
  return ndarray(Uint8Array.from(values), shape);
}

/** Runs a graph of one primitive. */
export function run<P extends Primitive>(
  primitive: P,
  inputs: readonly NDArray[],
  attributes: PrimitiveAttributes[P],
): NDArray {
  const operands = inputs.map((array, i) => placeholder(`operand${i}`, array));
  const graph = {
    name: primitive,
    inputs: operands,
    outputs: [apply(primitive, operands, attributes)],
    outputNames: ['result'],
  };
  return interpret(graph, inputs)[0] as NDArray;
}

/** A repeatable source of numbers in [−1, 1): a linear congruential generator, plenty for test data. */
export function source(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** An integer in [low, high]. */
export function between(next: () => number, low: number, high: number): number {
  return low + Math.floor(((next() + 1) / 2) * (high - low + 1));
}

export function random(shape: Shape, next: () => number): NDArray {
  return f64(Array.from({ length: sizeOf(shape) }, next), shape);
}

/** Σ aᵢ·bᵢ, for adjointness: ⟨A x, y⟩ = ⟨x, Aᵀ y⟩. */
export function inner(a: NDArray, b: NDArray): number {
  expect(a.shape).toEqual(b.shape);
  let total = 0;
  for (let i = 0; i < a.data.length; i++) total += Number(a.data[i]) * Number(b.data[i]);
  return total;
}

/** Compares shapes exactly and values to `tolerance`, relative to the larger of 1 and the expected value. */
export function expectClose(actual: NDArray, expected: NDArray, tolerance: number): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.dtype).toBe(expected.dtype);
  for (let i = 0; i < expected.data.length; i++) {
    const [value, want] = [Number(actual.data[i]), Number(expected.data[i])];
    if (Object.is(value, want)) continue;
    const error = Math.abs(value - want) / Math.max(1, Math.abs(want));
    expect(error, `element ${i}: ${value}, expected ${want}`).toBeLessThanOrEqual(tolerance);
  }
}

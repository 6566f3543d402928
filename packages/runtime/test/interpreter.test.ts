import {
  type Evaluate,
  type Graph,
  type NDArray,
  Tensor,
  apply,
  constant,
  ndarray,
  placeholder,
} from '@brownian/graph';
import { describe, expect, test } from 'vitest';
import { evaluateConstant, interpret } from '../src/interpreter/interpret.ts';
import { interpreterBackend } from '../src/interpreter/interpreter-backend.ts';
import { ValueStore, countUses } from '../src/interpreter/value-store.ts';
import { f64, i32 } from './interpreter-support.ts';

const x = placeholder('x', { dtype: 'float32', shape: [2] });
const k = placeholder('k', { dtype: 'int32', shape: [] });

function graphOf(outputs: readonly Tensor[], inputs: readonly Tensor<'input'>[] = [x, k]): Graph {
  return { name: 'step', inputs, outputs, outputNames: outputs.map((_, i) => `output${i}`) };
}

describe('interpret', () => {
  test('returns outputs in order, in double precision', () => {
    const shared = x.mul(0.1);
    const outputs = interpret(graphOf([shared.add(shared), k, shared]), [ndarray([1, 2]), i32([7], [])]);
    expect(outputs).toEqual([f64([0.2, 0.4]), i32([7], []), f64([0.1, 0.2])]);
    expect(outputs[0]?.data).toBeInstanceOf(Float64Array);
  });

  test('takes inputs in either precision', () => {
    const square = graphOf([x.square()], [x]);
    expect(interpret(square, [f64([0.1, 3])])).toEqual([f64([0.1 * 0.1, 9])]);
    expect(interpret(square, [ndarray([0.1, 3])])).toEqual([f64([Math.fround(0.1) ** 2, 9])]);
  });

  test('may return one node twice, an input, or a constant, each with its own storage', () => {
    const given = f64([1, 2]);
    const fixed = f64([3, 4]);
    const results = interpret(graphOf([x, x, constant(fixed), x.reshape([2, 1])], [x]), [given]);
    const storages = [given, fixed, ...results].map(({ data }) => data.buffer);
    expect(new Set(storages).size).toBe(6);
    expect(results.slice(0, 3)).toEqual([given, given, fixed]);
  });

  test('writes to no input', () => {
    const given = f64([-1, 2]);
    interpret(graphOf([x.neg().sub(x).sum(), apply('relu', [x], {}), x.reshape([2, 1]).add(1)], [x]), [given]);
    expect(given).toEqual(f64([-1, 2]));
  });

  test('accepts inputs that nothing reads', () => {
    expect(interpret(graphOf([x]), [f64([1, 2]), i32([0], [])])).toEqual([f64([1, 2])]);
  });

  test('runs graphs too deep for recursion', () => {
    let total: Tensor = x;
    for (let i = 0; i < 20_000; i++) total = total.add(1);
    expect(interpret(graphOf([total], [x]), [f64([0, 1])])).toEqual([f64([20_000, 20_001])]);
  });

  test.each<[string, readonly NDArray[]]>([
    ['Graph "step" takes 2 inputs (x, k), 1 were given.', [f64([1, 2])]],
    ['input "x" takes float32[2], float32[3] was given', [f64([1, 2, 3]), i32([0], [])]],
    ['input "k" takes int32[], float32[] was given', [f64([1, 2]), f64([0], [])]],
    [
      'input "x": shape [2] holds 2 values, its data has 1',
      [{ dtype: 'float32', shape: [2], data: Float64Array.of(1) }, i32([0], [])],
    ],
    ['input "x": Int32Array is not the storage of float32', [{ ...i32([1, 2]), dtype: 'float32' }, i32([0], [])]],
  ])('refuses wrong inputs: %s', (message, inputs) => {
    expect(() => interpret(graphOf([x, k]), inputs)).toThrow(message);
    expect(() => interpret(graphOf([x, k]), inputs)).toThrow(TypeError);
  });

  test('refuses a graph that reads an input it does not have', () => {
    expect(() => interpret(graphOf([x], [k]), [i32([0], [])])).toThrow(
      'reads the input "x", which is not among its inputs',
    );
  });

  test('notices a node whose type does not fit its values', () => {
    const wrong = new Tensor('identity', [x], {}, { dtype: 'float32', shape: [3] });
    expect(() => interpret(graphOf([wrong], [x]), [f64([1, 2])])).toThrow('identity made 2 values for float32[3]');
  });
});

test('values are dropped at their last use', () => {
  const doubled = x.add(x);
  const result = doubled.mul(x);
  const store = new ValueStore(countUses([x, doubled, result], [result]));
  const values = Float64Array.of(1, 2);
  store.put(k, Int32Array.of(1)); // nothing reads it
  store.put(x, values);
  expect([store.use(x), store.use(x)]).toEqual([values, values]);
  store.put(doubled, values);
  expect(store.size).toBe(2);
  store.use(doubled);
  store.use(x);
  expect(store.size).toBe(0);
});

describe('evaluateConstant', () => {
  const evaluate: Evaluate = evaluateConstant;

  test('computes one node from the values of its operands', () => {
    expect(evaluate(x.mul(2), [ndarray([1, 2]), ndarray(2)])).toEqual(f64([2, 4]));
    expect(evaluate(constant([1, 2]), [])).toEqual(f64([1, 2]));
  });

  test('refuses operands of the wrong number or type', () => {
    expect(() => evaluate(x.neg(), [])).toThrow('neg takes 1 operands, 0 were given');
    expect(() => evaluate(x.neg(), [i32([1, 2])])).toThrow('neg, operand 1 takes float32[2], int32[2] was given');
    expect(() => evaluate(x, [])).toThrow('Input "x" has no value');
  });
});

describe('interpreterBackend', () => {
  test('runs a loaded graph, many times at once', async () => {
    const backend = interpreterBackend();
    expect(backend.name).toBe('interpreter (float64)');
    const executable = await backend.load(graphOf([x.sum()], [x]));
    const runs = await Promise.all([1, 2, 3].map((value) => executable.run([f64([value, 1])])));
    expect(runs).toEqual([2, 3, 4].map((total) => [f64([total], [])]));
    await executable.dispose();
    await expect(executable.run([f64([1, 2])])).rejects.toThrow('Graph "step" has been disposed of');
  });

  test('rejects, and does not throw, on wrong inputs or graphs', async () => {
    const executable = await interpreterBackend().load(graphOf([x], [x]));
    await expect(executable.run([])).rejects.toThrow(TypeError);
    await expect(interpreterBackend().load(graphOf([x], []))).rejects.toThrow('reads the input "x"');
  });
});

import type { ReadAttribute, ReadNode } from '../onnx/decode.ts';
import { Tensor, constant } from '../tensor.ts';
import type { NDArray } from '../types.ts';

/** A value while a model is imported: a tensor of the graph, or an array that is known before anything runs. */
export type Value = Tensor | NDArray;

/** Why a node cannot be imported, in words that follow "cannot be imported: ". */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** Makes a convolution again with each output channel scaled and shifted: how a normalisation after it disappears. */
export type Rescale = (gain: Float64Array, shift: Float64Array) => Tensor;

/** What the nodes of one import share. */
export interface ImportState {
  readonly opset: number;
  /** By result, the convolutions whose weights are known. */
  readonly rescalable: Map<Tensor, Rescale>;
}

/** What a rule sees of a node. */
export class NodeContext {
  readonly node: ReadNode;
  readonly state: ImportState;
  readonly #inputs: readonly (Value | undefined)[];

  constructor(node: ReadNode, inputs: readonly (Value | undefined)[], state: ImportState) {
    this.node = node;
    this.state = state;
    this.#inputs = inputs;
  }

  get opset(): number {
    return this.state.opset;
  }

  /** The inputs that are there, in order. */
  get all(): readonly Value[] {
    return this.#inputs.filter((value) => value !== undefined);
  }

  has(i: number): boolean {
    return this.#inputs[i] !== undefined;
  }

  value(i: number): Value {
    const value = this.#inputs[i];
    if (value === undefined) throw new Refusal(`its input ${i + 1} is missing`);
    return value;
  }

  /** Input `i` as a tensor. */
  tensor(i: number): Tensor {
    return asTensor(this.value(i));
  }

  /** Input `i`, which must be known. */
  known(i: number, what: string): NDArray {
    const value = this.value(i);
    if (value instanceof Tensor) throw new Refusal(`its ${what} is computed from the image; it must be a constant`);
    return value;
  }

  /** Integers that newer opsets give as input `i` and older ones as an attribute. */
  integers(i: number, attribute: string): number[] | undefined {
    if (this.has(i)) return numbersOf(this.known(i, attribute));
    const given = this.node.attributes[attribute];
    return given === undefined ? undefined : this.ints(attribute, []);
  }

  #attribute<T extends ReadAttribute>(name: string, fits: (value: ReadAttribute) => value is T, missing: T): T {
    const value = this.node.attributes[name];
    if (value === undefined) return missing;
    if (fits(value)) return value;
    throw new Refusal(`its attribute "${name}" is of another kind than ONNX says`);
  }

  /** A number. */
  number(name: string, missing: number): number {
    return this.#attribute(name, (value): value is number => typeof value === 'number', missing);
  }

  text(name: string, missing: string): string {
    return this.#attribute(name, (value): value is string => typeof value === 'string', missing);
  }

  ints(name: string, missing: readonly number[]): number[] {
    return [...this.#attribute(name, (value): value is readonly number[] => Array.isArray(value), missing)];
  }
}

/** How one kind of node becomes primitives: its first output, or the list of all. */
export type ImportRule = (at: NodeContext) => Value | readonly Tensor[];

/** A value as a tensor of the graph. */
export function asTensor(value: Value): Tensor {
  return value instanceof Tensor ? value : constant(value);
}

/** The values of a known array as plain numbers. */
export function numbersOf(array: NDArray): number[] {
  return Array.from<number | bigint, number>(array.data, Number);
}

/** An axis counted from the front. */
export function axisOf(axis: number, rank: number): number {
  if (axis < -rank || axis >= rank) throw new Refusal(`its axis ${axis} does not exist in ${rank} axes`);
  return axis < 0 ? axis + rank : axis;
}

/** Sizes with 0 standing for that of the input and −1 for what is left over, as Reshape has them. */
export function reshaped(target: readonly number[], shape: readonly number[], keepsZeros: boolean): number[] {
  const total = shape.reduce((a, b) => a * b, 1);
  const sizes = target.map((size, i) => (size === 0 && !keepsZeros ? (shape[i] ?? 0) : size));
  const rest = sizes.reduce((a, b) => (b === -1 ? a : a * b), 1);
  return sizes.map((size) => (size === -1 ? total / rest : size));
}

import type { DType, NDArray, Shape } from '../types.ts';
import {
  type OnnxAttribute,
  type OnnxModel,
  type OnnxNode,
  type OnnxValue,
  type Precision,
  onnxType,
} from './model.ts';

/** Collects the nodes and built-in values of one ONNX graph; values are referred to by name. */
export class OnnxBuilder {
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers: (NDArray & { readonly name: string })[] = [];
  readonly #shared = new Map<string, string>();
  readonly #made = new Map<string, string[]>();
  /** What each reshaped value is a reshape of. */
  readonly #reshaped = new Map<string, string>();
  readonly #opsets: Record<string, number> = { '': 18 };
  readonly #precision: Precision;
  #next = 0;

  constructor(precision: Precision) {
    this.#precision = precision;
  }

  #fresh(prefix: string): string {
    return `${prefix}${this.#next++}`;
  }

  #add(
    op: string,
    inputs: readonly string[],
    count: number,
    attributes: Readonly<Record<string, OnnxAttribute>>,
    domain: string,
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.#fresh(`${op}_`));
    this.#nodes.push({ op, domain, inputs, outputs, attributes });
    if (domain !== '') this.#opsets[domain] = 1;
    return outputs;
  }

  /** Adds a node with several results, or returns those of an equal node: rules of different primitives may need the same. */
  many(
    op: string,
    inputs: readonly string[],
    count: number,
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    domain = '',
  ): string[] {
    const key = JSON.stringify([op, inputs, count, attributes, domain]);
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const outputs = this.#add(op, inputs, count, attributes, domain);
    this.#made.set(key, outputs);
    return outputs;
  }

  /** Adds a node and returns the name of its result. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    domain = '',
  ): string {
    return this.many(op, inputs, 1, attributes, domain)[0] as string;
  }

  /** Builds an array into the model. */
  initializer(array: NDArray): string {
    const name = this.#fresh('constant_');
    this.#initializers.push({ ...array, name });
    return name;
  }

  #sharedInitializer(key: string, make: () => NDArray): string {
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const name = this.initializer(make());
    this.#shared.set(key, name);
    return name;
  }

  /** A list of int64 values, such as a shape. */
  integers(values: readonly number[]): string {
    return this.#sharedInitializer(`i ${values.join()}`, () => ({
      dtype: 'int64',
      shape: [values.length],
      data: BigInt64Array.from(values, BigInt),
    }));
  }

  /** A scalar in the model's precision. */
  scalar(value: number): string {
    return this.#sharedInitializer(`f ${value}`, () => ({ dtype: 'float32', shape: [], data: Float64Array.of(value) }));
  }

  // Operations that lowering rules use over and over, with their operands in the order ONNX wants.

  /** A reshape of a reshape is one of the first. */
  reshape(x: string, shape: Shape): string {
    const source = this.#reshaped.get(x) ?? x;
    const result = this.node('Reshape', [source, this.integers(shape)], shape.includes(0) ? { allowzero: 1 } : {});
    this.#reshaped.set(result, source);
    return result;
  }

  transpose(x: string, permutation: readonly number[]): string {
    return this.node('Transpose', [x], { perm: permutation });
  }

  /** Slices the axes from `start` (inclusive) to `stop` (exclusive); a step may be negative, then stop may be −∞. */
  slice(
    x: string,
    axes: readonly number[],
    start: readonly number[],
    stop: readonly number[],
    step: readonly number[],
  ): string {
    if (axes.length === 0) return x;
    return this.node('Slice', [x, this.integers(start), this.integers(stop), this.integers(axes), this.integers(step)]);
  }

  /** Pads every axis; zeros by default. */
  pad(x: string, low: readonly number[], high: readonly number[], value?: number): string {
    if (low.every((v) => v === 0) && high.every((v) => v === 0)) return x;
    return this.node(
      'Pad',
      [x, this.integers([...low, ...high]), ...(value === undefined ? [] : [this.scalar(value)])],
      { mode: 'constant' },
    );
  }

  concat(parts: readonly string[], axis: number): string {
    return parts.length === 1 ? (parts[0] as string) : this.node('Concat', parts, { axis });
  }

  cast(x: string, to: DType): string {
    return this.node('Cast', [x], { to: onnxType(to, this.#precision) });
  }

  /** The finished model. An output must be made by a node, once: others are copied. */
  build(name: string, inputs: readonly OnnxValue[], outputs: readonly OnnxValue[]): OnnxModel {
    const produced = new Set(this.#nodes.flatMap((node) => node.outputs));
    const named = outputs.map((output) => {
      const free = produced.delete(output.name);
      return free ? output : { ...output, name: this.#add('Identity', [output.name], 1, {}, '')[0] as string };
    });
    const precision = this.#precision;
    const initializers = this.#initializers;
    return { name, opsets: this.#opsets, nodes: this.#nodes, initializers, inputs, outputs: named, precision };
  }
}

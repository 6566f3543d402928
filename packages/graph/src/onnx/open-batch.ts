import { type NDArray, sameShape } from '../types.ts';
import type { OnnxModel, OnnxNode, OnnxValue } from './model.ts';

type Named = OnnxModel['initializers'][number];

/** Batches a model is written for, to see what in it depends on them: primes that are no size of anything else. */
const SIZES = [1009, 2003, 4001] as const;

/** Values that are a·batch + b. */
interface Affine {
  readonly factor: readonly number[];
  readonly offset: readonly number[];
}

/** The law by which lists of three batches grow; undefined when it is not affine in whole numbers. */
function affine([first, second, third]: readonly (readonly number[])[]): Affine | undefined {
  if (first === undefined || second?.length !== first.length || third?.length !== first.length) return undefined;
  const factor = first.map((value, i) => ((second[i] as number) - value) / (SIZES[1] - SIZES[0]));
  const offset = first.map((value, i) => value - (factor[i] as number) * SIZES[0]);
  const holds = third.every((value, i) => value === (factor[i] as number) * SIZES[2] + (offset[i] as number));
  return holds && factor.every(Number.isInteger) ? { factor, offset } : undefined;
}

function numbers({ data }: NDArray): number[] {
  return Array.from(data as ArrayLike<number | bigint>, Number);
}

function equalData(a: NDArray, b: NDArray): boolean {
  if (a.data === b.data) return true;
  return sameShape(a.shape, b.shape) && a.data.every((value, i) => Object.is(value, b.data[i]));
}

function int64(name: string, values: readonly number[]): Named {
  return { name, dtype: 'int64', shape: [values.length], data: BigInt64Array.from(values, BigInt) };
}

/** What stands in the place of a built-in value that depends on the batch. */
interface Replacement {
  readonly initializers: readonly Named[];
  readonly nodes: readonly OnnxNode[];
}

const BATCH = 'batch_size';

function node(op: string, inputs: readonly string[], output: string): OnnxNode {
  return { op, domain: '', inputs, outputs: [output], attributes: {} };
}

/** `name` = factor·batch + offset, computed by the model. */
function computed(name: string, { factor, offset }: Affine): Replacement {
  const [by, plus, product] = [`${name}_per_item`, `${name}_offset`, `${name}_scaled`];
  return {
    initializers: [int64(by, factor), int64(plus, offset)],
    nodes: [node('Mul', [BATCH, by], product), node('Add', [product, plus], name)],
  };
}

/** The first row of an array all of whose rows along the first axis are equal, as `[1, …]`; else undefined. */
function repeatedRow(array: Named): Omit<Named, 'name'> | undefined {
  const [rows = 0, ...item] = array.shape;
  const width = array.data.length / rows;
  const row = array.data.slice(0, width);
  const repeated = array.data.every((value, i) => Object.is(value, row[i % width]));
  return repeated ? { dtype: array.dtype, shape: [1, ...item], data: row } : undefined;
}

/** An array that repeats a row for each item of the batch, as that row expanded. */
function expanded(versions: readonly Named[]): Replacement | undefined {
  const [first] = versions as readonly [Named];
  const law = affine(versions.map(({ shape }) => shape));
  const row = first.shape.length > 0 && law ? repeatedRow(first) : undefined;
  if (law === undefined || row === undefined || law.factor.slice(1).some((factor) => factor !== 0)) return undefined;
  const [name, shape] = [`${first.name}_row`, `${first.name}_shape`];
  const size = computed(shape, law);
  return {
    initializers: [{ ...row, name }, ...size.initializers],
    nodes: [...size.nodes, node('Expand', [name, shape], first.name)],
  };
}

/** A built-in value of the models of three batches as one that holds for all; undefined when it follows no such law. */
function openInitializer(versions: readonly Named[]): Replacement | undefined {
  const [first, ...others] = versions as readonly [Named, ...Named[]];
  if (others.some(({ name, dtype }) => name !== first.name || dtype !== first.dtype)) return undefined;
  if (others.every((other) => equalData(first, other))) return { initializers: [first], nodes: [] };
  if (first.dtype !== 'int64' || first.shape.length !== 1) return expanded(versions);
  const law = affine(versions.map(numbers));
  return law && computed(first.name, law);
}

/** A value whose axes of the batch's size have a name instead; undefined when an axis is of another size that depends on it. */
function openValue(versions: readonly OnnxValue[], batch: string): OnnxValue | undefined {
  const [first] = versions as readonly [OnnxValue];
  const law = affine(versions.map(({ shape }) => shape.map(Number)));
  if (law === undefined) return undefined;
  const isBatch = (axis: number): boolean => law.factor[axis] === 1 && law.offset[axis] === 0;
  if (law.factor.some((factor, axis) => factor !== 0 && !isBatch(axis))) return undefined;
  return { ...first, shape: first.shape.map((size, axis) => (isBatch(axis) ? batch : size)) };
}

/** Applies `open` to each place of lists of one length; undefined as soon as one has no answer. */
function everyPlace<T, R>(
  lists: readonly (readonly T[])[],
  open: (versions: readonly T[]) => R | undefined,
): R[] | undefined {
  const [first] = lists as readonly [readonly T[]];
  if (lists.some((list) => list.length !== first.length)) return undefined;
  const opened: R[] = [];
  for (let i = 0; i < first.length; i++) {
    const result = open(lists.map((list) => list[i] as T));
    if (result === undefined) return undefined;
    opened.push(result);
  }
  return opened;
}

/** How the model learns the size of its batch: from the first input that has an open axis. */
function batchNodes(inputs: readonly OnnxValue[], batch: string): OnnxNode[] | undefined {
  for (const { name, shape } of inputs) {
    const axis = shape.indexOf(batch);
    if (axis < 0) continue;
    const attributes = { start: axis, end: axis + 1 };
    return [{ op: 'Shape', domain: '', inputs: [name], outputs: [BATCH], attributes }];
  }
  return undefined;
}

/**
 * One model for batches of every size. The model is written for three sizes: where the three differ only in shapes, and these are affine
 * in the size, it computes them from the size of an input.
 *
 * @param lowerAt the model for a batch of a size; only its inputs may say how large the batch is
 * @param batch the name of the open axes in the file
 * @returns undefined when something else depends on the size, such as a mean over the batch: such a model has one size
 */
export function openBatch(lowerAt: (size: number) => OnnxModel, batch = 'batch'): OnnxModel | undefined {
  const models = SIZES.map(lowerAt);
  const [first] = models as [OnnxModel];
  const fixed = ({ nodes, opsets }: OnnxModel): string => JSON.stringify([nodes, opsets]);
  if (models.some((model) => fixed(model) !== fixed(first))) return undefined;
  const open = (values: 'inputs' | 'outputs'): OnnxValue[] | undefined =>
    everyPlace<OnnxValue, OnnxValue>(
      models.map((model) => model[values]),
      (versions) => openValue(versions, batch),
    );
  const [inputs, outputs] = [open('inputs'), open('outputs')];
  const initializers = everyPlace(
    models.map((model) => model.initializers),
    openInitializer,
  );
  const size = inputs && batchNodes(inputs, batch);
  if (inputs === undefined || outputs === undefined || initializers === undefined || size === undefined)
    return undefined;
  const computing = initializers.flatMap((replacement) => replacement.nodes);
  return {
    ...first,
    nodes: [...(computing.length > 0 ? size : []), ...computing, ...first.nodes],
    initializers: initializers.flatMap((replacement) => replacement.initializers),
    inputs,
    outputs,
  };
}

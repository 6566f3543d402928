import { type NDArray, type Tensor, type TensorType, cast, grad, ndarray, trace, valueAndGrad } from '@brownian/graph';
import { type Backend, type Runtime, createStream, interpreterBackend } from '@brownian/runtime';
import type { OpCase } from './op-case.ts';

/** What {@link checkOp} computes: values, also first derivatives, also second ones. */
export type Orders = 0 | 1 | 2;

/** How far one output of a case is from what it should be. */
export interface Comparison {
  /** The case and the output, such as `tanh: first.0`. */
  readonly what: string;
  /** |actual − expected| at worst, in units of the expected scale. */
  readonly error: number;
  readonly limit: number;
}

/** The largest error allowed in values, first and second derivatives, relative to the largest expected value. */
export type Limits = Readonly<Record<'value' | 'first' | 'second', number>>;

/**
 * float32 keeps 24 bits, so an operation is off by 6e-8 of its result; ONNX Runtime's exp, tanh, erf and sigmoid by up to
 * 3e-7. The cases sum at most a few hundred products, and second derivatives chain about ten operations.
 */
export const FLOAT32_LIMITS: Limits = {
  value: 1e-6,
  first: 5e-6,
  second: 1e-5,
};

/**
 * The error of a central difference with step ε = 1e-5 on functions of order one: ε²·f‴/6 ≈ 2e-11 and rounding, 1e-16/ε =
 * 1e-11, both relative to the sum of absolute terms; third derivatives up to 10⁴ times the first remain below 1e-6.
 */
export const DIFFERENCE_LIMIT = 1e-6;

const STEP = 1e-5;
/** Random directions per operand. An error in one element shows in each of them. */
const DIRECTIONS = 3;

/** Random factors that make a scalar of every output: `c` has the shape of the result, `d` those of the float operands. */
interface Weights {
  readonly c: NDArray;
  readonly d: readonly NDArray[];
}

/** Derivatives of one order: of the scalar `loss`, in every float operand. */
interface Derivatives<T> {
  readonly loss: T;
  readonly gradients: readonly T[];
}

interface Outputs<T> {
  readonly value: T;
  /** Σ c·y. */
  readonly first?: Derivatives<T>;
  /** ½ Σ d·g², g the gradient of Σ c·(y + y²/2). The squares keep second derivatives of linear operations from vanishing. */
  readonly second?: Derivatives<T>;
}

const isFloat = ({ dtype }: TensorType): boolean => dtype === 'float32';

/** The result as float32; where it is not, differentiation must give zero through the cast. */
function real(y: Tensor): Tensor {
  return isFloat(y) ? y : cast(y, 'float32');
}

function weightsOf(op: OpCase): Weights {
  const random = createStream(op.name);
  const [y] = trace(op.name, op.f, op.inputs).graph.outputs as [Tensor];
  return { c: random.normal(y.shape), d: op.inputs.filter(isFloat).map(({ shape }) => random.normal(shape)) };
}

type Symbolic = (
  inputs: readonly Tensor[],
  weights: { readonly c: Tensor; readonly d: readonly Tensor[] },
) => Outputs<Tensor>;

/** The case's value and derivatives as one function to trace. */
function derivatives(op: OpCase, orders: Orders): Symbolic {
  return (inputs, { c, d }) => {
    const at = inputs.flatMap((x, i) => (isFloat(x) ? [i] : []));
    const f = (...floats: readonly Tensor[]): Tensor => op.f(...inputs.map((x, i) => floats[at.indexOf(i)] ?? x));
    const floats = at.map((i) => inputs[i] as Tensor);
    const linear = (x: readonly Tensor[]): Tensor => c.mul(real(f(...x))).sum();
    const curved = (x: readonly Tensor[]): Tensor => {
      const y = real(f(...x));
      return c.mul(y.add(y.square().mul(0.5))).sum();
    };
    const zero = c.sum().mul(0);
    const squares = (x: readonly Tensor[]): Tensor =>
      grad(curved)(x).reduce((sum, g, i) => sum.add((d[i] as Tensor).mul(g.square()).sum().mul(0.5)), zero);
    const both = (loss: (x: readonly Tensor[]) => Tensor): Derivatives<Tensor> => {
      const [value, gradients] = valueAndGrad(loss)(floats);
      return { loss: value, gradients };
    };
    return {
      value: f(...floats),
      ...(orders >= 1 && { first: both(linear) }),
      ...(orders >= 2 && { second: both(squares) }),
    };
  };
}

/** What a case is expected to give: its graph as traced, no pass having touched it, on the float64 interpreter. */
async function expectedOf(
  op: OpCase,
  orders: Orders,
  weights: Weights,
  oracle: Backend,
): Promise<(inputs: readonly NDArray[]) => Promise<Outputs<NDArray>>> {
  const { graph } = trace(op.name, derivatives(op, orders), [op.inputs, weights]);
  const executable = await oracle.load(graph);
  const at = (path: string): number => graph.outputNames.indexOf(path);
  return async (inputs) => {
    const results = await executable.run([...inputs, weights.c, ...weights.d]);
    const order = (name: 'first' | 'second'): Derivatives<NDArray> => ({
      loss: results[at(`${name}.loss`)] as NDArray,
      gradients: results.filter((_, i) => graph.outputNames[i]?.startsWith(`${name}.gradients`)),
    });
    return {
      value: results[at('value')] as NDArray,
      ...(orders >= 1 && { first: order('first') }),
      ...(orders >= 2 && { second: order('second') }),
    };
  };
}

function numbers({ data }: NDArray): number[] {
  return Array.from(data as ArrayLike<number | bigint>, Number);
}

/** The largest difference relative to the largest expected value; absolute where every expected value is zero. */
function relativeError(actual: NDArray, expected: NDArray): number {
  const same = actual.dtype === expected.dtype && actual.shape.join() === expected.shape.join();
  if (!same) return NaN;
  const [a, b] = [numbers(actual), numbers(expected)];
  const scale = b.reduce((largest, v) => Math.max(largest, Math.abs(v)), 0) || 1;
  return b.reduce((worst, v, i) => Math.max(worst, Math.abs((a[i] as number) - v) / scale), 0);
}

function compare(op: OpCase, actual: Outputs<NDArray>, expected: Outputs<NDArray>, limits: Limits): Comparison[] {
  const gradients = (['first', 'second'] as const).flatMap((order) =>
    (expected[order]?.gradients ?? []).map((gradient, i) => ({
      what: `${op.name}: ${order}.${i}`,
      error: relativeError(actual[order]?.gradients[i] as NDArray, gradient),
      limit: limits[order],
    })),
  );
  return [
    { what: `${op.name}: value`, error: relativeError(actual.value, expected.value), limit: limits.value },
    ...gradients,
  ];
}

/** Options of {@link checkOp}. */
export interface CheckOptions {
  /** Default 2. */
  readonly orders?: Orders;
  /** Largest errors allowed; a device with coarser exp and tanh needs its own. Default {@link FLOAT32_LIMITS}. */
  readonly limits?: Limits;
  /** Default: the float64 interpreter. */
  readonly oracle?: Backend;
}

/**
 * Runs a case and its derivatives on `runtime` and compares every output with the float64 interpreter's, which gets the graph
 * as it was traced: errors of the passes, of lowering and of the runtime all show.
 */
export async function checkOp(
  op: OpCase,
  runtime: Runtime,
  { orders = 2, limits = FLOAT32_LIMITS, oracle = interpreterBackend() }: CheckOptions = {},
): Promise<Comparison[]> {
  const weights = weightsOf(op);
  const compiled = runtime.compile(derivatives(op, orders), { name: op.name });
  try {
    const actual = (await compiled(op.inputs, weights)) as Outputs<NDArray>;
    const expected = await expectedOf(op, orders, weights, oracle);
    return compare(op, actual, await expected(op.inputs), limits);
  } finally {
    await compiled.dispose();
  }
}

/** `array` moved by `step` along `direction`, in double precision. */
function moved(array: NDArray, direction: readonly number[], step: number): NDArray {
  return ndarray(
    Float64Array.from(array.data as ArrayLike<number>, (v, i) => v + step * (direction[i] as number)),
    array.shape,
  );
}

/** Compares Σ g·v with the central difference of the loss along random v. */
async function slope(
  run: (inputs: readonly NDArray[]) => Promise<Outputs<NDArray>>,
  op: OpCase,
  position: number,
  direction: readonly number[],
): Promise<Comparison[]> {
  const along = (step: number): Promise<Outputs<NDArray>> =>
    run(op.inputs.map((x, i) => (i === position ? moved(x, direction, step) : x)));
  const [here, ahead, behind] = await Promise.all([along(0), along(STEP), along(-STEP)]);
  const index = op.inputs.slice(0, position).filter(isFloat).length;
  return (['first', 'second'] as const).flatMap((order) => {
    const lossOf = (outputs: Outputs<NDArray>): number => Number(outputs[order]?.loss.data[0]);
    const terms = numbers(here[order]?.gradients[index] as NDArray).map((g, i) => g * (direction[i] as number));
    const difference = (lossOf(ahead) - lossOf(behind)) / (2 * STEP);
    const size = terms.reduce((sum, term) => sum + Math.abs(term), 0);
    // Rounding of the two losses, each of many terms, divided by the step.
    const rounding = (2 ** -48 * Math.abs(lossOf(here))) / STEP;
    return [
      {
        what: `${op.name}: ${order}.${index} against differences`,
        error: Math.abs(terms.reduce((a, b) => a + b, 0) - difference) / (size + rounding / DIFFERENCE_LIMIT || 1),
        limit: DIFFERENCE_LIMIT,
      },
    ];
  });
}

/** Compares the interpreter's first and second derivatives with central differences of its own values. */
export async function checkSlopes(op: OpCase, oracle: Backend = interpreterBackend()): Promise<Comparison[]> {
  const run = await expectedOf(op, 2, weightsOf(op), oracle);
  const random = createStream(`directions of ${op.name}`);
  const comparisons: Comparison[] = [];
  for (const [position, x] of op.inputs.entries()) {
    for (let i = 0; isFloat(x) && i < DIRECTIONS; i++) {
      comparisons.push(...(await slope(run, op, position, numbers(random.normal(x.shape)))));
    }
  }
  return comparisons;
}

/** The comparisons that failed; NaN fails. Tests expect none, and print those there are. */
export function failures(comparisons: readonly Comparison[]): Comparison[] {
  return comparisons.filter(({ error, limit }) => !(error <= limit));
}

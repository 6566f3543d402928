import { type Shape, sameShape } from '../types.ts';
import type { Lowering } from './lowering.ts';

/** One transpose: the shape the data are seen in, and the order its axes are put in. */
export interface TransposeStep {
  readonly shape: Shape;
  readonly permutation: readonly number[];
}

/** From this size on a row of one axis is worth copying as a block. */
const BLOCK = 8;
/** Up to this size an axis is narrow: exchanging two axes where one is narrow is faster in two steps. */
const NARROW = 32;

function product(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a * b, 1);
}

/** The same reordering on as few axes as it takes: axes of size 1 dropped, axes that stay neighbours in one. */
function merged(shape: Shape, permutation: readonly number[]): TransposeStep {
  const kept = permutation.filter((axis) => shape[axis] !== 1);
  const neighbours = shape.map((_, axis) => axis).filter((axis) => shape[axis] !== 1);
  const rank = new Map(neighbours.map((axis, i) => [axis, i]));
  const groups: number[][] = [];
  for (const axis of kept) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (last !== undefined && rank.get(axis) === (rank.get(last) as number) + 1) group?.push(axis);
    else groups.push([axis]);
  }
  const inOrder = groups.toSorted((a, b) => (a[0] as number) - (b[0] as number));
  return {
    shape: inOrder.map((group) => product(group.map((axis) => shape[axis] as number))),
    permutation: groups.map((group) => inOrder.indexOf(group)),
  };
}

/** Whether ONNX Runtime's own kernel does it well: a matrix transposed, or blocks of the last axis moved. */
function isFast({ shape, permutation }: TransposeStep): boolean {
  const rank = shape.length;
  if (rank <= 2 || permutation.at(-1) === rank - 1) return true;
  const exchange = rank === 3 && permutation[0] === 0;
  return exchange && shape.slice(1).every((size) => size > NARROW);
}

/**
 * A transpose as steps that ONNX Runtime's CPU kernels do fast: transposes of matrices and moves of blocks. What is neither, such as
 * `[a, b, c] → [c, b, a]`, goes element by element in its general kernel, ten times slower and more.
 */
export function transposeSteps(shape: Shape, permutation: readonly number[]): TransposeStep[] {
  const whole = merged(shape, permutation);
  if (whole.permutation.every((axis, i) => axis === i)) return [];
  const rank = whole.shape.length;
  const [first, last] = [whole.permutation.at(-1) as number, rank - 1];
  const size = (axis: number): number => whole.shape[axis] as number;
  if (isFast(whole) || Math.max(size(first), size(last)) < BLOCK) return [whole];
  const axes = whole.shape.map((_, axis) => axis);
  if (size(first) >= size(last)) {
    // A matrix transpose brings the axis that ends up last to its place; then blocks of it move.
    const turned = [...axes.slice(first + 1), ...axes.slice(0, first + 1)];
    return [
      merged(whole.shape, turned),
      merged(
        turned.map(size),
        whole.permutation.map((axis) => turned.indexOf(axis)),
      ),
    ];
  }
  // Blocks of the last axis move to where a matrix transpose finishes the work.
  const at = whole.permutation.indexOf(last);
  const moved = [...whole.permutation.slice(at + 1), ...whole.permutation.slice(0, at + 1)];
  return [
    merged(whole.shape, moved),
    merged(
      moved.map(size),
      whole.permutation.map((axis) => moved.indexOf(axis)),
    ),
  ].filter((step) => step.permutation.some((axis, i) => axis !== i));
}

/** Emits a transpose of `x`, which has this shape: in {@link transposeSteps} on the CPU, in one elsewhere. */
export function transpose(to: Lowering, x: string, shape: Shape, permutation: readonly number[]): string {
  if (to.target !== 'cpu') return to.onnx.transpose(x, permutation);
  // A reshape between a transpose and a product would keep ONNX Runtime from joining them, so none is made without need.
  const seenAs = (name: string, from: Shape, wanted: Shape): string =>
    sameShape(from, wanted) ? name : to.onnx.reshape(name, wanted);
  let [result, current] = [x, shape];
  for (const step of transposeSteps(shape, permutation)) {
    result = to.onnx.transpose(seenAs(result, current, step.shape), step.permutation);
    current = step.permutation.map((axis) => step.shape[axis] as number);
  }
  return seenAs(
    result,
    current,
    permutation.map((axis) => shape[axis] as number),
  );
}

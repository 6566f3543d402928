import { type Tensor, apply, normalizeAxes } from '../tensor.ts';
import { ShapeError } from '../rules/shape.ts';
import { type Shape, formatShape } from '../types.ts';

/** Axes reordered; reversed by default. */
export function transpose(x: Tensor, permutation?: readonly number[]): Tensor {
  const order = permutation ?? x.shape.map((_, i) => x.shape.length - 1 - i);
  return apply('transpose', [x], { permutation: order });
}

/** `x` repeated along axes of size 1, and along new leading axes, to `shape`. */
export function expand(x: Tensor, shape: Shape): Tensor {
  return apply('expand', [x], { shape });
}

/** The place of a new axis among those of `x`, counted from the front. */
function newAxis(x: Tensor, axis: number, operation: string): number {
  const rank = x.shape.length;
  if (!Number.isInteger(axis) || axis < -rank - 1 || axis > rank) {
    throw new ShapeError(
      `${operation}: axis ${axis} does not exist in shape ${formatShape(x.shape)} with one more axis`,
    );
  }
  return axis < 0 ? axis + rank + 1 : axis;
}

/** A new axis of size 1, which is `axis` of the result; −1 puts it last. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  const at = newAxis(x, axis, 'unsqueeze');
  return x.reshape([...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/**
 * Elements start, start + step, … below `stop` along each axis. Entries count from the end when negative; a missing or
 * undefined entry takes the whole axis.
 */
export function slice(
  x: Tensor,
  ranges: readonly (readonly [start: number, stop?: number, step?: number] | undefined)[],
): Tensor {
  if (ranges.length > x.shape.length)
    throw new ShapeError(`slice: ${ranges.length} ranges for shape [${x.shape.join(', ')}]`);
  const resolve = (value: number, size: number): number => Math.min(size, value < 0 ? size + value : value);
  const parts = x.shape.map((size, i) => {
    const [start = 0, stop = size, step = 1] = ranges[i] ?? [];
    return [resolve(start, size), resolve(stop, size), step] as const;
  });
  return apply('slice', [x], {
    start: parts.map((p) => p[0]),
    stop: parts.map((p) => p[1]),
    step: parts.map((p) => p[2]),
  });
}

/** Tensors joined along `axis`. */
export function concat(parts: readonly Tensor[], axis = 0): Tensor {
  const first = parts[0];
  if (first === undefined) throw new ShapeError('concat: no tensors were given');
  return apply('concat', parts, { axis: normalizeAxes(first, axis, 'concat')[0] as number });
}

/** Tensors of one shape joined along a new axis, which is `axis` of the result. */
export function stack(parts: readonly Tensor[], axis = 0): Tensor {
  const first = parts[0];
  if (first === undefined) throw new ShapeError('stack: no tensors were given');
  const at = newAxis(first, axis, 'stack');
  return concat(
    parts.map((part) => unsqueeze(part, at)),
    at,
  );
}

/** Zeros before and after each axis, and `interior` zeros between its elements: `[low, high, interior]` per axis. */
export function pad(x: Tensor, ranges: readonly (readonly [low: number, high: number, interior?: number])[]): Tensor {
  if (ranges.length !== x.shape.length)
    throw new ShapeError(`pad: ${ranges.length} ranges for shape [${x.shape.join(', ')}]`);
  return apply('pad', [x], {
    low: ranges.map((r) => r[0]),
    high: ranges.map((r) => r[1]),
    interior: ranges.map((r) => r[2] ?? 0),
  });
}

/** Slices of `x` along `axis` at integer `indices`: an embedding look-up for axis 0. Indices must lie in range. */
export function gather(x: Tensor, indices: Tensor, axis = 0): Tensor {
  return apply('gather', [x, indices], { axis: normalizeAxes(x, axis, 'gather')[0] as number });
}

/** The adjoint of {@link gather}: `updates` summed into an axis of length `size` at `indices`. */
export function scatterAdd(updates: Tensor, indices: Tensor, axis: number, size: number): Tensor {
  return apply('scatterAdd', [updates, indices], {
    axis: normalizeAxes(updates, axis, 'scatterAdd')[0] as number,
    size,
  });
}

/** `[…, m, k] × […, k, n] → […, m, n]`; leading axes broadcast. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  return apply('matmul', [a, b], {});
}

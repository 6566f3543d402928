import { type Shape, sizeOf } from '@brownian/graph';

/** How far apart the neighbours along each axis are, in row-major order. */
export function rowMajorStrides(shape: Shape): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] as number;
  }
  return strides;
}

/** The strides with which an array of shape `from` is read as `to`: zero along the axes that are repeated. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = rowMajorStrides(from);
  const missing = to.length - from.length;
  return to.map((_, axis) => (axis < missing || from[axis - missing] === 1 ? 0 : (strides[axis - missing] as number)));
}

/**
 * `start + Σ indexₐ·strideₐ` for every index of `shape`, in row-major order: where a strided view has its elements.
 *
 * Built axis by axis from the outermost, each offset of the axes so far giving one run of the next.
 */
export function viewOffsets(shape: Shape, strides: readonly number[], start = 0): Int32Array {
  if (sizeOf(shape) === 0) return new Int32Array(0);
  let offsets = Int32Array.of(start);
  shape.forEach((size, axis) => {
    const stride = strides[axis] as number;
    const next = new Int32Array(offsets.length * size);
    let at = 0;
    for (const offset of offsets) {
      for (let i = 0; i < size; i++) next[at++] = offset + i * stride;
    }
    offsets = next;
  });
  return offsets;
}

/** Where each element of `to` is read from in an array of shape `from`. */
export function broadcastOffsets(from: Shape, to: Shape): Int32Array {
  return viewOffsets(to, broadcastStrides(from, to));
}

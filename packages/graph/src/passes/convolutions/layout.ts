import { type Tensor, apply } from '../../tensor.ts';

/** Images: `[n, c, h, w]` → `[n, h, w, c]`. */
export const TO_CHANNELS_LAST: readonly number[] = [0, 2, 3, 1];
/** Images: `[n, h, w, c]` → `[n, c, h, w]`. */
export const TO_CHANNELS_FIRST: readonly number[] = [0, 3, 1, 2];
/** Filters: `[o, c, kh, kw]` → `[kh, kw, c, o]`. */
export const TO_FILTERS_LAST: readonly number[] = [2, 3, 1, 0];

/** The four sizes of images or filters. */
export function sizes(x: Tensor): readonly [number, number, number, number] {
  return x.shape as unknown as readonly [number, number, number, number];
}

export function transposed(x: Tensor, permutation: readonly number[]): Tensor {
  return apply('transpose', [x], { permutation });
}

/**
 * Filters `[o, c, kh, kw]`, with zeros up to multiples of the stride, as what each output adds to blocks of stride × stride pixels:
 * `[⌈kh/s⌉, ⌈kw/s⌉, o, s · s · c]`.
 */
export function blockFilters(w: Tensor, stride: readonly [number, number], taps: readonly [number, number]): Tensor {
  const [o, c, kh, kw] = sizes(w);
  const high = [0, 0, taps[0] * stride[0] - kh, taps[1] * stride[1] - kw];
  const padded = apply('pad', [w], { low: [0, 0, 0, 0], high, interior: [0, 0, 0, 0] });
  const split = transposed(padded.reshape([o, c, taps[0], stride[0], taps[1], stride[1]]), [2, 4, 0, 3, 5, 1]);
  return split.reshape([taps[0], taps[1], o, stride[0] * stride[1] * c]);
}

/** Blocks `[n, rows, columns, s · s · c]` put side by side: `[n, rows · s, columns · s, c]`. */
export function fromBlocks(blocks: Tensor, stride: readonly [number, number]): Tensor {
  const [n, rows, columns, width] = sizes(blocks);
  const c = width / (stride[0] * stride[1]);
  const split = transposed(blocks.reshape([n, rows, columns, stride[0], stride[1], c]), [0, 1, 3, 2, 4, 5]);
  return split.reshape([n, rows * stride[0], columns * stride[1], c]);
}

/** Rows and columns `start` to `start + size` of images with the channels last, zeros beyond their end. */
export function cropped(x: Tensor, start: readonly [number, number], size: readonly [number, number]): Tensor {
  const [n, h, w, c] = sizes(x);
  const high = [0, Math.max(0, start[0] + size[0] - h), Math.max(0, start[1] + size[1] - w), 0];
  const padded = apply('pad', [x], { low: [0, 0, 0, 0], high, interior: [0, 0, 0, 0] });
  return apply('slice', [padded], {
    start: [0, ...start, 0],
    stop: [n, start[0] + size[0], start[1] + size[1], c],
    step: [1, 1, 1, 1],
  });
}

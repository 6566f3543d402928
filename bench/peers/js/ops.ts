import type { NDArray } from '@brownian/graph';

/** What an array is to a library: images and filters are kept in the library's own axis order. */
export type Kind = 'plain' | 'image' | 'filter';

/**
 * The operations that the twins of twins.ts and twins-gan.ts are written in; an adapter per library says how. `T` is its array.
 * Arrays given here are in Brownian's axis order: images NCHW, filters OIHW.
 */
export interface Ops<T> {
  /** Why derivatives of derivatives cannot be had, in few words. */
  readonly firstOrderOnly?: string;
  input(array: NDArray, kind?: Kind): T;
  output(x: T, kind?: Kind): Promise<NDArray>;
  dispose(xs: readonly T[]): void;
  /** Makes `f` fast to call again and again: traced where the library can, and without leaks. Arguments stay alive. */
  compile(f: (xs: readonly T[]) => readonly T[]): (xs: readonly T[]) => readonly T[];
  /** ∇f for a scalar f. */
  grad(f: (x: T) => T): (x: T) => T;
  valueAndGrad(f: (xs: readonly T[]) => T): (xs: readonly T[]) => readonly [value: T, gradients: readonly T[]];

  add(a: T, b: T | number): T;
  sub(a: T, b: T): T;
  mul(a: T, b: T | number): T;
  div(a: T, b: T): T;
  maximum(a: T, b: number): T;
  minimum(a: T, b: number): T;
  sqrt(x: T): T;
  abs(x: T): T;
  relu(x: T): T;
  leakyRelu(x: T): T;
  silu(x: T): T;
  tanh(x: T): T;
  softplus(x: T): T;

  sum(x: T, axes?: readonly number[]): T;
  shape(x: T): readonly number[];
  reshape(x: T, shape: readonly number[]): T;
  concat(xs: readonly T[]): T;
  matmul(a: T, b: T): T;
  /** Of a matrix. */
  transpose(x: T): T;

  conv2d(x: T, w: T, stride: number, padding: number): T;
  /** Filters `[in, out, k, k]`. */
  convTranspose2d(x: T, w: T, stride: number, padding: number): T;
  /** 2×2 max pooling. */
  maxPool(x: T): T;
  /** `[channels]` so that it broadcasts against images. */
  perChannel(x: T): T;
  /** Axes of an image other than its channels. */
  readonly notChannels: readonly number[];
  /** Images as rows in NCHW order. */
  flatten(x: T): T;
  /** A dense layer on images, `[n, c, h, w] × [c·h·w, units]`. */
  denseOfImages(x: T, w: T): T;
}

/** Mean over `axes`. */
export function mean<T>(ops: Ops<T>, x: T, axes?: readonly number[]): T {
  const shape = ops.shape(x);
  const count = (axes ?? shape.map((_, i) => i)).reduce((n, axis) => n * (shape[axis] as number), 1);
  return ops.mul(ops.sum(x, axes), 1 / count);
}

/** x² */
export function square<T>(ops: Ops<T>, x: T): T {
  return ops.mul(x, x);
}

import {
  type NDArray,
  type Tensor,
  batchNorm,
  conv2d,
  convTranspose2d,
  full,
  leakyRelu,
  relu,
  tanh,
  zeros,
} from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Params, SymbolicParams } from 'brownian';
import { scaled } from '../data.ts';

/** A convolution without bias, followed by batch normalisation in training mode unless `norm` is left out. */
interface Block<T> {
  readonly w: T;
  readonly norm?: { readonly scale: T; readonly shift: T };
}

function block(
  shape: readonly [number, number, number, number],
  channels: number,
  norm: boolean,
  draw: Stream,
): Block<NDArray> {
  const w = scaled(draw.normal(shape), 0.02);
  return norm ? { w, norm: { scale: full([channels], 1), shift: zeros([channels]) } } : { w };
}

function normalised(x: Tensor, { norm }: Block<Tensor>): Tensor {
  return norm === undefined ? x : batchNorm(x, norm).y;
}

function blocks(params: SymbolicParams): readonly Block<Tensor>[] {
  return params as unknown as readonly Block<Tensor>[];
}

/** Weights of the DCGAN trunk 64-128-256 for 32×32 images (Radford et al. 2016), ended by a 4×4 convolution to `features`. */
export function discriminatorParams(features: number, draw: Stream): Params {
  const channels = [3, 64, 128, 256] as const;
  const trunk = [0, 1, 2].map((i) =>
    block([channels[i + 1] as number, channels[i] as number, 4, 4], channels[i + 1] as number, i > 0, draw),
  );
  return [...trunk, block([features, 256, 4, 4], features, false, draw)] as unknown as Params;
}

/** Images `[n, 3, 32, 32]` to features `[n, features]`. */
export function discriminator(params: SymbolicParams, x: Tensor): Tensor {
  const layers = blocks(params);
  const head = layers.at(-1) as Block<Tensor>;
  const trunk = layers
    .slice(0, -1)
    .reduce((h, layer) => leakyRelu(normalised(conv2d(h, layer.w, { stride: 2, padding: 1 }), layer), 0.2), x);
  return conv2d(trunk, head.w).reshape([x.shape[0] as number, -1]);
}

/** Weights of the DCGAN generator: 128 → 4×4×512 → 8×8×256 → 16×16×128 → 32×32×3. */
export function generatorParams(latent: number, draw: Stream): Params {
  const channels = [latent, 512, 256, 128, 3] as const;
  return [0, 1, 2, 3].map((i) =>
    block([channels[i] as number, channels[i + 1] as number, 4, 4], channels[i + 1] as number, i < 3, draw),
  ) as unknown as Params;
}

/** Latents `[n, latent]` to images `[n, 3, 32, 32]` in (−1, 1). */
export function generator(params: SymbolicParams, z: Tensor): Tensor {
  const layers = blocks(params);
  const start = z.reshape([...z.shape, 1, 1]);
  return layers.reduce((h, layer, i) => {
    const y = normalised(convTranspose2d(h, layer.w, i === 0 ? {} : { stride: 2, padding: 1 }), layer);
    return i + 1 < layers.length ? relu(y) : tanh(y);
  }, start);
}

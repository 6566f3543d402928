import type { NDArray, Tree } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Learner } from '../interfaces.ts';

/**
 * Items encoded and decoded again: how much of them a model's latents can hold.
 *
 * @param x `[n, ...item]`
 * @returns latents `[n, ...latent]` and items shaped like x
 * @throws RangeError when the model has no encoder
 */
export async function reconstruct(
  learner: Learner,
  state: Tree<NDArray>,
  x: NDArray,
  draw: Stream,
): Promise<{ z: NDArray; x: NDArray }> {
  const { latent } = learner;
  if (latent?.encode === undefined)
    throw new RangeError(
      `${learner.name} cannot encode items: it has no ${latent === undefined ? 'latents' : 'way from items to latents'}.`,
    );
  const z = await latent.encode(state, x, draw);
  return { z, x: await latent.decode(state, z) };
}

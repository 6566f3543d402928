import { type NDArray, float32Data } from '@brownian/graph';
import type { Tree } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Learner } from '../interfaces.ts';
import { type MaskedImages, merge } from '../data/masked.ts';

/**
 * How missing pixels are found. `encode`: the masked image is encoded, as far as it is known, and decoded again (generalised GCN, section 5.6), by a generator
 * that has learned to complete images or, after it, through latents that are searched.
 * `dynamics`: the model's own dynamics move them while the known pixels are held. `both`: the second from where the first ends.
 */
export type InpaintMethod = 'encode' | 'dynamics' | 'both';

/** The methods that a model has, its best guess first. */
export function inpaintMethods(learner: Learner): readonly InpaintMethod[] {
  const encodes = learner.complete !== undefined || learner.latent?.encodeKnown !== undefined;
  const moves = learner.inpaint !== undefined;
  return [
    ...(encodes ? (['encode'] as const) : []),
    ...(moves ? (['dynamics'] as const) : []),
    ...(encodes && moves ? (['both'] as const) : []),
  ];
}

/** What the known pixels are completed to, or the latents behind them decode to. */
async function encodedAgain(
  learner: Learner,
  state: Tree<NDArray>,
  { x, known }: MaskedImages,
  draw: Stream,
): Promise<NDArray> {
  const masked = merge(x, known, { ...x, data: new Float32Array(x.data.length) });
  if (learner.complete !== undefined) return await learner.complete(state, masked, known);
  const z = (await learner.latent?.encodeKnown?.(state, masked, known, draw)) as NDArray;
  return (await learner.latent?.decode(state, z)) as NDArray;
}

/**
 * Images with their missing pixels filled in by a trained model; known pixels are as they were.
 *
 * @param images see {@link MaskedImages}; missing pixels are not looked at
 * @param method default: the first of {@link inpaintMethods}
 * @returns `[n, channels, height, width]`
 * @throws RangeError when the model does not have the method
 */
export async function inpaint(
  learner: Learner,
  state: Tree<NDArray>,
  images: MaskedImages,
  draw: Stream,
  method: InpaintMethod | undefined = inpaintMethods(learner)[0],
): Promise<NDArray> {
  const methods = inpaintMethods(learner);
  if (method === undefined || !methods.includes(method)) {
    const lacks =
      learner.classes === undefined
        ? 'it has no encoder of incomplete images and no dynamics of its own'
        : 'it is conditional on labels, which incomplete images have not';
    const has = methods.length === 0 ? lacks : `it has ${methods.join(', ')}`;
    throw new RangeError(`${learner.name} cannot inpaint${method === undefined ? '' : ` by "${method}"`}: ${has}.`);
  }
  const { x, known } = images;
  const encoded = method === 'dynamics' ? undefined : await encodedAgain(learner, state, images, draw);
  if (method === 'encode') return merge(x, known, encoded as NDArray);
  const found = (await learner.inpaint?.(state, x, known, draw, encoded)) as NDArray;
  return merge(x, known, found);
}

/** Share of pixels that are missing. */
export function missingShare({ known }: MaskedImages): number {
  return 1 - float32Data(known).reduce((sum, value) => sum + value, 0) / known.data.length;
}

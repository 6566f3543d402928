import type { Tensor } from '@brownian/graph';
import type { ExportedFunction } from '../interfaces.ts';
import { builtIn } from '../nets/net.ts';
import type { AdversarialModel, AdversarialState } from './adversarial-model.ts';
import { describeItems } from './descriptive-exports.ts';

/** What is exported of an adversarial model: its generator, and its discriminator if it has one. */
export function adversarialExports(
  { generator, discriminator, batch }: AdversarialModel,
  state: AdversarialState,
): readonly ExportedFunction[] {
  const { net } = generator;
  const items = {
    name: 'x',
    shape: ['batch', ...net.outputShape] as const,
    description: describeItems(net.outputShape),
  };
  const weights = builtIn(state.average ?? state.generator);
  const made: ExportedFunction = {
    name: 'generator',
    description: 'Items from noise.',
    inputs: [{ name: 'z', shape: ['batch', ...net.inputShape], description: 'standard normal values' }],
    outputs: [items],
    batch,
    apply: (z: Tensor) => [net.apply(weights, z)],
  };
  if (discriminator === undefined || state.discriminator === undefined) return [made];
  const judging = builtIn(state.discriminator);
  const features: ExportedFunction = {
    name: 'discriminator',
    description: 'What the discriminator makes of items: what the generator was trained against.',
    inputs: [items],
    outputs: [{ name: 'features', description: 'its outputs for each item' }],
    batch,
    apply: (x: Tensor) => [discriminator.net.apply(judging, x)],
  };
  return [made, features];
}

import type { NDArray } from '@brownian/graph';
import type { Runtime, Stream } from '@brownian/runtime';
import {
  type DescriptorLearnerOptions,
  type Layer,
  type Params,
  buildPotential,
  langevin,
  startParticles,
} from 'brownian';

/** An image of another size, whose chain goes along with a training. */
export interface Companion {
  /** The Langevin steps of one iteration on Φ with these parameters. */
  follow(params: Params, draw: Stream): Promise<void>;
  /** `[1, channels, height, width]` */
  picture(): NDArray;
  dispose(): Promise<void>;
}

/**
 * A chain beside those that a model learns from. With a weight per channel Φ applies to every size, and the chain sees the same sequence of potentials
 * as the model's own do: that takes it further than as many steps on the last of them alone.
 *
 * @param shape of the image, `[channels, height, width]`
 * @param options of the model, with weights per channel
 */
export function companion(
  runtime: Runtime,
  { options, filters }: { readonly options: DescriptorLearnerOptions; readonly filters?: Layer },
  shape: readonly number[],
  draw: Stream,
): Companion {
  const sampler = langevin(runtime, buildPotential(options.potential, shape, filters), options.langevin);
  let x = startParticles(options.chains, [1, ...shape], options.langevin.sigma, draw);
  return {
    follow: async (params, stream) => {
      [{ x }] = await sampler.run(sampler.init(params, x), options.langevin.steps, stream);
    },
    picture: () => x,
    dispose: () => sampler.dispose(),
  };
}

import {
  LANGEVIN_DEFAULTS,
  type SymbolicParams,
  descriptor,
  effectiveStep,
  force,
  langevinStep,
  vggTrunk,
} from 'brownian';
import type { Tensor } from '@brownian/graph';
import { images, scaled, seeded } from '../data.ts';
import { checked } from '../training.ts';
import { FLOAT32_TOLERANCE, type Workload } from '../workload.ts';

/** An activation within rounding of 0, or of its neighbour in a pooling window, may go either way: both sides are 2e-3 from float64. */
const TIE_TOLERANCE = 5 * FLOAT32_TOLERANCE;

/** One Langevin step on Φ = Σ θ·F, F the first four convolutions of VGG-16 (METHODS section 1) with fixed weights, given noise. */
export function vggLangevin(size: number): Workload {
  const shape = [9, 3, size, size] as const;
  return {
    name: `vgg-langevin-${size}`,
    title: `VGG relu2_2 Langevin step, ${shape.join('×')}`,
    settings: { step: effectiveStep(LANGEVIN_DEFAULTS), sigma: LANGEVIN_DEFAULTS.sigma },
    setup: (runtime) => {
      const net = vggTrunk()(shape.slice(1));
      const potential = descriptor(net);
      const draw = seeded('vgg');
      const features = net.init(draw.split('filters'));
      const theta = scaled(draw.normal(net.outputShape), 0.01);
      const start = images(shape, draw.split('images'));
      const noise = draw.normal(shape);
      const step = runtime.compile(
        (fixed: SymbolicParams, weights: Tensor, x: Tensor, xi: Tensor) =>
          langevinStep(potential, LANGEVIN_DEFAULTS, { theta: weights, features: fixed }, x, xi).x,
        { name: 'VGG Langevin step', frozen: [0] },
      );
      const pull = runtime.compile(
        (fixed: SymbolicParams, weights: Tensor, x: Tensor) => force(potential, { theta: weights, features: fixed }, x),
        { name: 'VGG force', frozen: [0] },
      );
      let x = start;
      return Promise.resolve({
        given: { features, theta, x: start, noise },
        step: async () => (x = await step(features, theta, x, noise)),
        reset: () => (x = start),
        check: async () => {
          // A step is small beside x; its force is compared by itself.
          const [moved, gradient] = [await step(features, theta, start, noise), await pull(features, theta, start)];
          return { draws: [], results: { ...checked('x', moved), ...checked('force', gradient, TIE_TOLERANCE) } };
        },
        dispose: async () => {
          await Promise.all([step.dispose(), pull.dispose()]);
        },
      });
    },
  };
}

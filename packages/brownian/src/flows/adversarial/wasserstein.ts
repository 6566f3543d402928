import { type Tensor, clip, grad, mapTree, sqrt } from '@brownian/graph';
import type { SymbolicParams } from '../../interfaces.ts';
import type { AdversarialFlow, DiscriminatorPoint } from './flow.ts';

/** What keeps the critic Lipschitz. */
export type WassersteinOptions =
  /** Clamps every parameter to [−clip, clip] after an update (Arjovsky et al. 2017, Algorithm 1, with 0.01). */
  | { readonly constraint: 'clip'; readonly clip: number }
  /** Adds weight · E(‖∇d‖ − 1)² on lines between data and generated items (Gulrajani et al. 2017, Eq. 3, with 10). */
  | { readonly constraint: 'penalty'; readonly weight: number };

/** E(‖∇ₓd(x̂)‖ − 1)² at x̂ = g + u(x − g), one per pair of items; its gradient in the parameters differentiates ∇ₓd again. */
function gradientPenalty({ items, mix, discriminate }: DiscriminatorPoint): Tensor {
  const [n, ...dims] = items.fake.shape as readonly [number, ...number[]];
  const between = items.fake.add(items.real.sub(items.fake).mul(mix.reshape([n, ...dims.map(() => 1)])));
  const slopes = grad((x: Tensor) => discriminate(x).sum())(between);
  const squares = slopes.square().reshape([n, -1]).sum(1);
  // The root has no slope at 0, where a critic that ignores an item puts it.
  return sqrt(squares.add(1e-12)).sub(1).square().mean();
}

/**
 * The Wasserstein GAN: the critic d widens E d(x) − E d(g), an estimate of the Wasserstein-1 distance as far as d is
 * 1-Lipschitz; the generator raises E d(g).
 */
export function wassersteinFlow(options: WassersteinOptions): AdversarialFlow {
  return {
    generatorLoss: ({ fake }) => fake.mean().neg(),
    discriminator: {
      features: 1,
      loss: (at) => {
        const distance = at.real.mean().sub(at.fake.mean());
        if (options.constraint === 'clip') return { loss: distance.neg(), parts: { distance } };
        const penalty = gradientPenalty(at);
        return { loss: penalty.mul(options.weight).sub(distance), parts: { distance, penalty } };
      },
      ...(options.constraint === 'clip' && { constrain: (params) => clipWeights(params, options.clip) }),
    },
  };
}

/** Every parameter clamped to [−bound, bound]. */
export function clipWeights(params: SymbolicParams, bound: number): SymbolicParams {
  return mapTree<Tensor, Tensor, SymbolicParams>((p) => clip(p, -bound, bound), params);
}

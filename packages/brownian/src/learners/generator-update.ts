import { type Tensor, type Tree, valueAndGrad } from '@brownian/graph';
import type { Potential, SymbolicParams } from '../interfaces.ts';
import type { Generator } from '../nets/labelled.ts';
import { averageParams } from '../optim/ema.ts';
import { globalNorm } from '../optim/scaling.ts';
import { type SymbolicState, type Transform, applyUpdates } from '../optim/transform.ts';

/** How a generator learns from a synthesizer; see {@link generatorLosses}. */
export type GeneratorLearning = 'reconstruction' | 'amortised';

/** What an update of a generator is made of. */
export interface GeneratorUpdate {
  readonly potential: Potential;
  readonly net: Generator;
  readonly optimizer: Transform;
  readonly learning: GeneratorLearning;
  /** Weight of ½‖g(ζ) − x‖², x the originals of masked images; counts only where there are some. */
  readonly originalWeight: number;
  /** Turns ∇ₓΦ into a displacement: `driftScale` of the sampler. */
  readonly scale: number;
  /** Decay of the generator's moving average; 0 keeps none. */
  readonly ema: number;
  /** Learned hidden rows (Eq. 20), or null where latents are drawn. */
  readonly hidden: HiddenLearning | null;
}

/** How hidden rows learn. */
export interface HiddenLearning {
  /** Step ε of their gradient descent. */
  readonly learningRate: number;
  /** Weight of ‖ζ‖²/2, which pulls rows to N(0, I). */
  readonly prior: number;
}

/** Where a generator is updated. */
export interface GeneratorAt<T> {
  /** ζ, `[n, dim]` */
  readonly hidden: T;
  /** x̂, the particles that the sampler made of g(ζ), `[n, ...item]`. */
  readonly target: T;
  /** Images that the latents were masked from, `[n, ...item]`. */
  readonly original?: T;
  /** int32 `[n]`, for conditional models. */
  readonly labels?: T;
}

/** Arguments of a compiled update. */
export type GeneratorUpdateArguments = [
  params: SymbolicParams,
  optimizer: SymbolicState,
  average: Tree<Tensor>,
  potential: SymbolicParams,
  at: GeneratorAt<Tensor>,
];

/** Its result; `hidden` is empty unless rows are learned. */
export interface GeneratorUpdateResult {
  readonly params: SymbolicParams;
  readonly optimizer: SymbolicState;
  readonly average: Tree<Tensor>;
  readonly hidden: readonly Tensor[];
  readonly metrics: Record<string, Tensor>;
}

function perItem(x: Tensor): Tensor {
  return x.sum(x.shape.map((_, axis) => axis).slice(1));
}

/**
 * The loss of each item, `[n]`, in squared units of x, and what is made at it:
 *
 * - `reconstruction` (generalised GCN, Eq. 19): ½‖g(ζ) − x̂‖².
 * - `amortised` (Eq. 23): −s·Φ(g(ζ)) with s∇ₓΦ the displacement of one noise-free Langevin step. By Eq. 21-22 its slope is that of the former after
 *   one such step: −∂g(ζ)·Δx with Δx = s∇ₓΦ.
 *
 * Where the originals x of masked images are given, w·½‖g(ζ) − x‖² is added: Eq. 19 with the datum in the place of x̂. What is known of them is in g(ζ)
 * already, so it is the missing pixels that count.
 */
export function generatorLosses(
  update: Pick<GeneratorUpdate, 'potential' | 'net' | 'learning' | 'scale' | 'originalWeight'>,
  params: SymbolicParams,
  theta: SymbolicParams,
  { hidden, target, labels, original }: GeneratorAt<Tensor>,
): { losses: Tensor; x: Tensor } {
  const { potential, net, learning, scale, originalWeight } = update;
  const x = net.apply(params, hidden, labels);
  const losses =
    learning === 'reconstruction'
      ? perItem(x.sub(target).square()).mul(0.5)
      : potential.apply(theta, x, labels).mul(-scale);
  if (original === undefined || originalWeight === 0) return { losses, x };
  return { losses: losses.add(perItem(x.sub(original).square()).mul(originalWeight / 2)), x };
}

/**
 * One update of generator and hidden rows (generalised GCN, Algorithm 2, lines 7-8), as a function to be compiled: the parameters ξ by the optimizer
 * on the mean loss, each row ζᵢ by a step of gradient descent on its own, ζ ← ζ − ε (∂ζ loss + prior·ζ).
 */
export function generatorUpdate(update: GeneratorUpdate): (...args: GeneratorUpdateArguments) => GeneratorUpdateResult {
  const { net, potential, optimizer, ema, hidden: learned } = update;
  return (params, optimizerState, average, theta, at) => {
    const n = at.hidden.shape[0] as number;
    const [loss, gradients] = valueAndGrad(({ xi, zeta }: { xi: SymbolicParams; zeta: Tensor }) =>
      generatorLosses(update, xi, theta, { ...at, hidden: zeta }).losses.mean(),
    )({ xi: params, zeta: at.hidden });
    const [updates, nextOptimizer] = optimizer.update(gradients.xi, optimizerState, params);
    const next = applyUpdates(params, updates);
    const x = net.apply(params, at.hidden, at.labels);
    const generated = potential.apply(theta, x, at.labels);
    return {
      params: next,
      optimizer: nextOptimizer,
      average: ema > 0 ? averageParams(average, next, ema) : [],
      hidden: learned === null ? [] : [descended(at.hidden, gradients.zeta.mul(n), learned)],
      metrics: {
        generatorLoss: loss,
        generatorGradientNorm: globalNorm(gradients.xi),
        reconstructionError: x.sub(at.target).square().mean(),
        potentialGenerated: generated.mean(),
        ...(at.original !== undefined && { completionError: x.sub(at.original).square().mean() }),
        ...(learned !== null && { hiddenNorm: at.hidden.square().mean() }),
      },
    };
  };
}

function descended(rows: Tensor, gradients: Tensor, { learningRate, prior }: HiddenLearning): Tensor {
  return rows.sub(gradients.add(rows.mul(prior)).mul(learningRate));
}

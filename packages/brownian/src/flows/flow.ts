import { type Tensor, jvp, stopGradient, valueAndGrad } from '@brownian/graph';
import type { Potential, SymbolicParams } from '../interfaces.ts';
import { force } from '../samplers/langevin.ts';

/** Where a flow is evaluated. */
export interface FlowPoint {
  /** `[batch, ...dims]` */
  readonly data: Tensor;
  /** Particles of this outer iteration, `[particles, ...dims]`. */
  readonly particles: Tensor;
  /** Particles of the previous outer iteration, `[particles, ...dims]`. */
  readonly previous: Tensor;
  /** γ ~ U[0, 1], a scalar drawn once per outer iteration. */
  readonly gamma: Tensor;
  /** Labels of each of these for a potential that is conditional on them, int32 `[batch]` and `[particles]`. */
  readonly labels?: { readonly data: Tensor; readonly particles: Tensor; readonly previous: Tensor };
}

/** The descent direction of the parameters and scalars that describe the point. */
export interface FlowResult {
  readonly gradients: SymbolicParams;
  readonly metrics: Readonly<Record<string, Tensor>>;
}

/** How parameters learn: gradients that an optimizer descends. */
export interface Flow {
  gradients(potential: Potential, params: SymbolicParams, at: FlowPoint): FlowResult;
}

/** Options shared by the flows of descriptive models. */
export interface ContrastOptions {
  /** Weight of mean Φ² over data and over particles. Default 0. */
  readonly energyL2?: number;
}

/** mean Φ(particles) − mean Φ(data), plus the regulariser, and its parts. */
export function contrast(
  potential: Potential,
  params: SymbolicParams,
  at: FlowPoint,
  { energyL2 = 0 }: ContrastOptions,
): { loss: Tensor; parts: Record<string, Tensor> } {
  const onData = potential.apply(params, at.data, at.labels?.data);
  const onParticles = potential.apply(params, at.particles, at.labels?.particles);
  const parts = { potentialData: onData.mean(), potentialParticles: onParticles.mean() };
  const difference = parts.potentialParticles.sub(parts.potentialData);
  const loss =
    energyL2 === 0 ? difference : difference.add(onData.square().mean().add(onParticles.square().mean()).mul(energyL2));
  return { loss, parts };
}

/** Mean over particles of ‖scale·∇ₓΦ‖²: with scale = h²/2, the squared displacement of one noise-free step. */
export function squaredSpeed(
  potential: Potential,
  params: SymbolicParams,
  x: Tensor,
  scale: number,
  labels?: Tensor,
): Tensor {
  const n = x.shape[0] as number;
  return force(potential, params, x, labels)
    .square()
    .sum()
    .mul((scale * scale) / n);
}

/**
 * The same number, with the same gradient in the parameters by another way: with g = ∇ₓΦ held constant, ∇θ‖∇ₓΦ‖² = 2 ∇θ(g·∇ₓΦ), and
 * g·∇ₓΦ is one directional derivative of Φ. For fixed filters, Φ = Σ θₖFₖ(x), that is 2 D_g Fₖ(x) (METHODS section 1).
 */
export function directionalSpeed(
  potential: Potential,
  params: SymbolicParams,
  x: Tensor,
  scale: number,
  labels?: Tensor,
): Tensor {
  const n = x.shape[0] as number;
  const g = stopGradient(force(potential, params, x, labels));
  const [, slope] = jvp((at: Tensor) => potential.apply(params, at, labels).sum(), x, g);
  return slope
    .mul(2)
    .sub(g.square().sum())
    .mul((scale * scale) / n);
}

/** Differentiates a loss with its metrics: the loss is built once, inside the derivative. */
export function differentiate(
  params: SymbolicParams,
  build: (params: SymbolicParams) => { loss: Tensor; parts: Record<string, Tensor> },
): FlowResult {
  let parts: Record<string, Tensor> = {};
  const [loss, gradients] = valueAndGrad((p: SymbolicParams) => {
    const built = build(p);
    parts = built.parts;
    return built.loss;
  })(params);
  return { gradients, metrics: { loss, ...parts } };
}

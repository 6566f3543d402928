import { type Tensor, constant, full, jvp, stopGradient, vjp } from '@brownian/graph';
import type { Potential, SymbolicParams } from '../interfaces.ts';
import { type FlowResult, differentiate } from './flow.ts';
import { type HomotopyOptions, HOMOTOPY_DEFAULTS, homotopyPoint, homotopyTime } from './homotopy.ts';

/** How VAPO's potential learns. */
export interface PoissonOptions extends HomotopyOptions {
  /** η: weight of mean Φ², which makes the Poisson equation's solution unique. */
  readonly poincare: number;
  /**
   * `covariance`: mean w Φ(γ − γ̄), the paper's. `stein`: −2 mean w ∇Φ·v, which has the same mean by Stein's lemma and 5 to 11
   * times less noise; it needs no values of Φ.
   */
  readonly estimator: 'covariance' | 'stein';
  /**
   * What `covariance` centres γ by: its mean γ̄ given the datum, or the mean of the batch. With the latter the field is wrong
   * (METHODS section 4); it is here for comparison. `stein` is centred as it is.
   */
  readonly centring: 'datum' | 'batch';
  /**
   * How ∂‖∇ₓΦ‖²/∂θ is found. `double`: backpropagation through the backward pass. `directional`: a first pass gives ∇ₓΦ, a
   * second differentiates the derivative of Φ along it, held constant. Equal gradients; costs differ by network and device.
   */
  readonly backprop: 'double' | 'directional';
  /** Give Φ the clock s; the potential has to take it. */
  readonly clock: boolean;
}

/** The paper's objective, with the centring that makes it exact. */
export const POISSON_DEFAULTS: PoissonOptions = {
  ...HOMOTOPY_DEFAULTS,
  poincare: 1e-4,
  estimator: 'covariance',
  centring: 'datum',
  backprop: 'double',
  clock: false,
};

/** Where the loss is evaluated. */
export interface PoissonPoint {
  /** x̄, `[n, ...dims]` */
  readonly data: Tensor;
  /** s ~ U[0, 1), `[n]` */
  readonly clock: Tensor;
  /** ξ ~ N(0, I), shaped like the data. */
  readonly noise: Tensor;
}

interface Loss {
  readonly loss: Tensor;
  readonly parts: Record<string, Tensor>;
}

/** Φ at x and ∇ₓΦ from one forward pass: particles do not interact, so a cotangent of ones gives every gradient. */
function valueAndForce(potential: (x: Tensor) => Tensor, x: Tensor): [Tensor, Tensor] {
  const [value, pullback] = vjp(potential, x);
  return [value, pullback(constant(full(value.shape, 1)))];
}

/** Sums products over all but the batch, then the mean over it. */
function meanProduct(a: Tensor, b: Tensor): Tensor {
  return a
    .mul(b)
    .sum()
    .mul(1 / (a.shape[0] as number));
}

function lossOf(potential: Potential, params: SymbolicParams, at: PoissonPoint, options: PoissonOptions): Loss {
  const { estimator, centring, backprop, poincare } = options;
  const { t, weight } = homotopyTime(at.clock, options);
  const point = homotopyPoint(at.data, t, at.noise, options);
  const phi = (x: Tensor): Tensor => potential.apply(params, x, options.clock ? at.clock : undefined);
  const [value, force] = valueAndForce(phi, point.x);
  const perDatum = weight.reshape(at.data.shape.map((size, axis) => (axis === 0 ? size : 1)));
  const velocity = point.velocity.mul(perDatum);
  const center = centring === 'datum' ? point.meanInnovation : point.innovation.mean();
  const covariance =
    estimator === 'covariance'
      ? value.mul(point.innovation.sub(center)).mul(weight).mean()
      : meanProduct(force, velocity).mul(-2);
  const speed = meanProduct(force, force);
  const l2 = value.square().mean();
  const loss = covariance.add(speed).add(l2.mul(poincare));
  const parts = { covariance, speed, l2 };
  if (backprop === 'double') return { loss, parts };
  // d‖∇Φ‖² = 2 ∇Φ·d∇Φ and d(∇Φ·v) = v·d∇Φ: one directional derivative of Φ, whose own value is then taken off again.
  const target = estimator === 'stein' ? force.sub(velocity) : force;
  const [, along] = jvp(phi, point.x, stopGradient(target.mul(2)));
  const first = estimator === 'stein' ? along.mean() : covariance.add(along.mean());
  const surrogate = first.add(l2.mul(poincare));
  return { loss: surrogate.add(stopGradient(loss.sub(surrogate))), parts };
}

/**
 * The loss of variational potential flow (VAPO, Eq. 16-20), whose minimiser solves the Poisson equation ∇·(ρ̄∇Φ) = ½E[ρ(γ − γ̄)]
 * that moves the prior along the homotopy by ẋ = ∇Φ:
 *
 *   L = mean w Φ(x)(γ − γ̄) + mean ‖∇ₓΦ‖² + η mean Φ²,  w = dt/ds
 *
 * in the clock s of {@link homotopyTime}, so that ẋ = ∇Φ is integrated over s from 0 to 1.
 *
 * @returns gradients in θ, and the loss with its parts `covariance`, `speed` and `l2`
 */
export function poissonGradients(
  potential: Potential,
  params: SymbolicParams,
  at: PoissonPoint,
  options: PoissonOptions,
): FlowResult {
  return differentiate(params, (p) => lossOf(potential, p, at, options));
}

/** The loss of {@link poissonGradients}, to be differentiated elsewhere. */
export function poissonLoss(
  potential: Potential,
  params: SymbolicParams,
  at: PoissonPoint,
  options: PoissonOptions,
): Tensor {
  return lossOf(potential, params, at, options).loss;
}

import { type Tensor, exp, maximum, operand, sqrt } from '@brownian/graph';

/** The path from noise to data (METHODS section 4; VAPO, Eq. 7 and 19). */
export interface HomotopyOptions {
  /** ω: standard deviation of the prior N(0, ω²I), in units of x. The paper's is 1. */
  readonly priorStd: number;
  /** s: standard deviation of the likelihood N(x̄; x, s²I), in units of x. The paper's is .01. */
  readonly dataStd: number;
  /** ε: log-uniform times begin at this. */
  readonly epsilon: number;
}

/** The paper's path. */
export const HOMOTOPY_DEFAULTS: HomotopyOptions = { priorStd: 1, dataStd: 0.01, epsilon: 1e-4 };

/** A time of the homotopy for each datum. */
export interface HomotopyTime {
  /** t in [0, 1], `[n]`. */
  readonly t: Tensor;
  /** dt/ds: how fast t runs in the clock s of the flow. `[n]` */
  readonly weight: Tensor;
}

/**
 * Log-uniform time t = e^τ − ε with τ = ln ε + s (ln(1 + ε) − ln ε), and dt/ds = (t + ε) ln((1 + ε)/ε).
 *
 * @param clock s in [0, 1), `[n]`: uniform draws in training, the solver's time in sampling
 */
export function homotopyTime(clock: Tensor, { epsilon }: Pick<HomotopyOptions, 'epsilon'>): HomotopyTime {
  const rate = Math.log((1 + epsilon) / epsilon);
  const shifted = exp(clock.mul(rate).add(Math.log(epsilon)));
  // Rounding must not put t below 0, where the path does not go.
  return { t: maximum(shifted.sub(epsilon), 0), weight: shifted.mul(rate) };
}

/** Points of the homotopy ρ(x | x̄, t) and what the loss needs to know there. */
export interface HomotopyPoint {
  /** x = a x̄ + √Σ ξ, `[n, ...dims]`. */
  readonly x: Tensor;
  /** γ = ‖x̄ − x‖²/s², `[n]`. */
  readonly innovation: Tensor;
  /** γ̄ = E[γ | x̄, t], `[n]`. */
  readonly meanInnovation: Tensor;
  /** Velocity v = dx/dt of the path that this ξ draws, `[n, ...dims]`. */
  readonly velocity: Tensor;
}

/**
 * A draw from ρ(x | x̄, t) ∝ N(x; 0, ω²I) N(x̄; x, s²I)^t: Gaussian with mean a x̄ and variance Σ, a = tω²/(s² + tω²),
 * Σ = s²ω²/(s² + tω²) (VAPO, Eq. 19). γ̄ = [nΣ + (1−a)²‖x̄‖²]/s² and v = −Σ/2s² [√Σ ξ − 2(1−a) x̄] (METHODS section 4).
 *
 * @param data x̄, `[n, ...dims]`
 * @param t `[n]`
 * @param noise ξ ~ N(0, I), shaped like the data
 */
export function homotopyPoint(
  data: Tensor,
  t: Tensor,
  noise: Tensor,
  { priorStd, dataStd }: Pick<HomotopyOptions, 'priorStd' | 'dataStd'>,
): HomotopyPoint {
  const [n, ...dims] = data.shape as readonly [number, ...number[]];
  const perDatum = (value: Tensor): Tensor => value.reshape([n, ...dims.map(() => 1)]);
  const total = (value: Tensor): Tensor => value.sum(dims.map((_, i) => i + 1));
  const size = dims.reduce((a, b) => a * b, 1);
  const [prior, precision] = [priorStd ** 2, 1 / dataStd ** 2];
  const scale = t.mul(prior).add(dataStd ** 2);
  const rest = operand(dataStd ** 2).div(scale); // 1 − a, without the difference of near numbers
  const variance = rest.mul(prior);
  const spread = noise.mul(perDatum(sqrt(variance)));
  const missing = data.mul(perDatum(rest)); // (1 − a) x̄ = x̄ − E x
  const x = data.sub(missing).add(spread);
  return {
    x,
    innovation: total(missing.sub(spread).square()).mul(precision),
    meanInnovation: variance.mul(size).add(total(missing.square())).mul(precision),
    velocity: missing
      .mul(2)
      .sub(spread)
      .mul(perDatum(variance.mul(precision / 2))),
  };
}

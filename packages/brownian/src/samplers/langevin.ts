import {
  type NDArray,
  type Tensor,
  type Tree,
  clip as clipTo,
  constant,
  grad,
  minimum,
  operand,
  sqrt,
} from '@brownian/graph';
import type { Compiled, Runtime, Stream } from '@brownian/runtime';
import type { Params, Potential, SymbolicParams } from '../interfaces.ts';
import type { LangevinOptions } from '../learners/options.ts';

/** The paper's settings for 64×64 images (generalised GCN, section 5.1). */
export const LANGEVIN_DEFAULTS: LangevinOptions = {
  steps: 20,
  form: 'preconditioned',
  delta: 0.2,
  sigma: 0.01,
  reference: true,
  speedDrift: false,
  temperature: 1,
  clip: null,
  gradientClip: null,
  maxDisplacement: null,
};

/** The effective step h = δσ, in units of x. */
export function effectiveStep({ delta, sigma }: Pick<LangevinOptions, 'delta' | 'sigma'>): number {
  return delta * sigma;
}

/**
 * How far ∇ₓΦ = 1 moves a particle in one step, in units of x: h²/2 with h = δσ in the preconditioned form, δ²/2 in the literal one.
 */
export function driftScale({ form, delta, sigma }: Pick<LangevinOptions, 'form' | 'delta' | 'sigma'>): number {
  return (form === 'literal' ? delta : delta * sigma) ** 2 / 2;
}

/**
 * ∇ₓΦ at every particle, `[particles, ...dims]`: particles do not interact, so one backward pass of the sum gives all.
 *
 * @param condition what Φ is conditional on, `[particles]`
 */
export function force(potential: Potential, params: SymbolicParams, x: Tensor, condition?: Tensor): Tensor {
  return grad((particles: Tensor) => potential.apply(params, particles, condition).sum())(x);
}

/** Euclidean norm of each particle's part, `[particles]`. */
export function particleNorms(x: Tensor): Tensor {
  return sqrt(x.square().sum(x.shape.map((_, axis) => axis).slice(1)));
}

function limited(gradient: Tensor, largest: number | null): Tensor {
  if (largest === null) return gradient;
  const [n, ...dims] = gradient.shape as readonly [number, ...number[]];
  const factor = minimum(operand(largest).div(particleNorms(gradient).add(1e-12)), 1);
  return gradient.mul(factor.reshape([n, ...dims.map(() => 1)]));
}

/** −∇ₓ‖s∇ₓΦ‖², what the squared speed of particles adds to their drift (generalised GCN, Eq. 16). */
function againstSpeed(
  potential: Potential,
  params: SymbolicParams,
  x: Tensor,
  scale: number,
  condition: Tensor | undefined,
): Tensor {
  return grad((at: Tensor) => force(potential, params, at, condition).mul(scale).square().sum())(x).neg();
}

/**
 * One step of Langevin dynamics (generalised GCN, Algorithm 1 lines 5-9, as METHODS section 1 settles it):
 *
 *   x ← x + s (∇ₓΦ − x/σ²) + δσ √T ξ,  ξ ~ N(0, I)
 *
 * with s = (δσ)²/2 in the `preconditioned` form, stationary at N(0, σ²I) for Φ = 0 and T = 1 up to the step's own bias: the variance is
 * σ²/(1 − δ²/4). The `literal` form is the algorithm as printed, s = δ²/2: with a reference it is stable only for δ < 2σ. With
 * `speedDrift` the drift is that of Eq. 16 in units of displacement, s∇ₓΦ − ∇ₓ‖s∇ₓΦ‖²; the second term vanishes where Φ is piecewise
 * linear (Remark 2).
 *
 * @param x particles `[particles, ...dims]`
 * @param noise ξ, shaped like x
 * @param condition what Φ is conditional on, `[particles]`
 * @returns moved particles and the mean norm of ∇ₓΦ before the move
 */
export function langevinStep(
  potential: Potential,
  options: LangevinOptions,
  params: SymbolicParams,
  x: Tensor,
  noise: Tensor,
  condition?: Tensor,
): { x: Tensor; gradientNorm: Tensor } {
  const scale = driftScale(options);
  const gradient = force(potential, params, x, condition);
  const pull = limited(gradient, options.gradientClip).mul(scale);
  const rise = options.speedDrift ? pull.add(againstSpeed(potential, params, x, scale, condition)) : pull;
  const bound = options.maxDisplacement;
  const displacement = bound === null ? rise : clipTo(rise, -bound, bound);
  const drift = options.reference ? displacement.sub(x.mul(scale / options.sigma ** 2)) : displacement;
  const moved = x.add(drift).add(noise.mul(effectiveStep(options) * Math.sqrt(options.temperature)));
  return {
    x: options.clip === null ? moved : clipTo(moved, ...options.clip),
    gradientNorm: particleNorms(gradient).mean(),
  };
}

/**
 * How far a particle moves in `steps` steps for a gradient ∇ₓΦ that is larger by 1 throughout: s Σ (1 − s/σ²)ⁱ, which is σ²(1 − (1 − s/σ²)^L)
 * with a reference and sL without. Clipping of gradients and displacements is left out.
 */
export function driftResponse(options: LangevinOptions): number {
  if (!options.reference) return driftScale(options) * options.steps;
  return options.sigma ** 2 * (1 - chainMemory(options));
}

/** The part of a particle's displacement that is left after `steps` steps without a gradient: (1 − s/σ²)^L with a reference, else 1. */
export function chainMemory(options: LangevinOptions): number {
  const { steps, sigma, reference } = options;
  return reference ? (1 - driftScale(options) / sigma ** 2) ** steps : 1;
}

/** What a sampler's next step needs. */
export interface SamplerState {
  readonly params: Params;
  /** `[particles, ...dims]` */
  readonly x: NDArray;
  /** What Φ is conditional on, `[particles]`, where it is. */
  readonly condition?: NDArray;
}

/** Diagnostics of a step. */
export interface SamplerInfo {
  /** Mean Euclidean norm of ∇ₓΦ over particles, before the step. */
  readonly gradientNorm: number;
}

/** How particles move: one algorithm per file, `init` and `step(state, draw) → [state, info]`. */
export interface Sampler<S = SamplerState, I = SamplerInfo> {
  init(params: Params, x: NDArray, condition?: NDArray): S;
  step(state: S, draw: Stream): Promise<[S, I]>;
  /** `steps` steps; the host draws noise while the device works. */
  run(state: S, steps: number, draw: Stream): Promise<[S, I]>;
  dispose(): Promise<void>;
}

/** Values that particles keep while the others move. */
export interface Held {
  /** `[particles, ...dims]` */
  readonly x: NDArray;
  /** 1 where x is kept, 0 where particles move; shaped like x. */
  readonly known: NDArray;
}

/** Particles with the held values in their places. */
function holding(moved: Tensor, { x, known }: Held): Tensor {
  const kept = constant(known);
  return constant(x)
    .mul(kept)
    .add(moved.mul(operand(1).sub(kept)));
}

type StepFunction = (
  params: Tree<Tensor>,
  x: Tensor,
  noise: Tensor,
  condition: readonly Tensor[],
) => { x: Tensor; gradientNorm: Tensor };

/**
 * Langevin dynamics on a runtime.
 *
 * @param frozen build the parameters into the model: faster steps, and a compilation per set of parameters. For sampling.
 * @param held values that are put back after every step: the other ones are then drawn given these
 */
export function langevin(
  runtime: Runtime,
  potential: Potential,
  options: LangevinOptions,
  { frozen = false, held }: { readonly frozen?: boolean; readonly held?: Held } = {},
): Sampler {
  const move: StepFunction = (params, x, noise, [condition]) => {
    const moved = langevinStep(potential, options, params, x, noise, condition);
    return held === undefined ? moved : { ...moved, x: holding(moved.x, held) };
  };
  const compiled: Compiled<Parameters<StepFunction>, ReturnType<StepFunction>> = runtime.compile(move, {
    name: 'Langevin step',
    frozen: frozen ? [0] : [],
  });
  const advance = async (state: SamplerState, steps: number, draw: Stream): Promise<[SamplerState, SamplerInfo]> => {
    let { x } = state;
    const condition = state.condition === undefined ? [] : [state.condition];
    let gradientNorm = 0;
    const noiseOf = (step: number): NDArray | undefined => (step < steps ? draw.normal(x.shape) : undefined);
    let noise = noiseOf(0);
    for (let step = 1; noise !== undefined; step++) {
      const running = compiled(state.params, x, noise, condition);
      noise = noiseOf(step);
      const moved = await running;
      x = moved.x;
      gradientNorm = Number(moved.gradientNorm.data[0]);
    }
    return [{ ...state, x }, { gradientNorm }];
  };
  return {
    init: (params, x, condition) => ({ params, x, ...(condition && { condition }) }),
    step: (state, draw) => advance(state, 1, draw),
    run: advance,
    dispose: () => compiled.dispose(),
  };
}

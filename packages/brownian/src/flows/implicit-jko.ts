import { type Tensor, flatten, mapTree, operand, stopGradient, valueAndGrad } from '@brownian/graph';
import type { Potential, SymbolicParams } from '../interfaces.ts';
import type { Flow, FlowPoint } from './flow.ts';
import { type JkoOptions, jko, speedPenalty } from './jko.ts';

/** Options of {@link implicitJko}. */
export interface ImplicitJkoOptions extends JkoOptions {
  /** λ of the descent that follows, which has no momentum and no schedule. */
  readonly learningRate: number;
  /** How far the sampler moves a particle in one iteration per unit of ∇ₓΦ, such as `driftResponse` of Langevin dynamics. */
  readonly response: number;
  /** The part of a particle's displacement that its chain keeps from one iteration to the next, such as `chainMemory`; 0 to 1. */
  readonly memory: number;
  /** Conjugate-gradient steps that solve for the update, at least 1. */
  readonly solverSteps: number;
}

function dot(a: SymbolicParams, b: SymbolicParams): Tensor {
  const others = flatten<Tensor>(b).leaves;
  const products = flatten<Tensor>(a).leaves.map((leaf, i) => leaf.mul(others[i] as Tensor).sum());
  return products.reduce((sum, product) => sum.add(product), operand(0));
}

/** a + c·b. */
function plus(a: SymbolicParams, b: SymbolicParams, c: Tensor): SymbolicParams {
  return mapTree<Tensor, Tensor, SymbolicParams>((x, y) => x.add(y.mul(c)), a, b);
}

/** Keeps 0/0 of a solver that is done at 0. */
const TINY = 1e-30;

/** Conjugate gradients from 0 for `apply(x) = right`, `apply` symmetric and positive definite. */
function conjugateGradients(
  apply: (v: SymbolicParams) => SymbolicParams,
  right: SymbolicParams,
  steps: number,
): SymbolicParams {
  let [residual, direction] = [right, right];
  let square = dot(residual, residual);
  let solution = mapTree<Tensor, Tensor, SymbolicParams>((leaf) => leaf.mul(0), right);
  for (let step = 0; step < steps; step++) {
    const applied = apply(direction);
    const length = square.div(dot(direction, applied).add(TINY));
    solution = plus(solution, direction, length);
    residual = plus(residual, applied, length.neg());
    const next = dot(residual, residual);
    direction = plus(residual, direction, next.div(square.add(TINY)));
    square = next;
  }
  return solution;
}

/**
 * The JKO flow stepped half implicitly, for fixed filters and plain gradient descent. There Φ = Σ θₖFₖ(x) and, with J the Jacobian of F,
 * a change Δ of θ moves every particle by ρJᵀΔ before the next update, so the mean responses by ρE[JJᵀ]Δ; the penalty is the quadratic
 * ½θᵀ(βs²E[JJᵀ])θ. Both are stiff: explicit descent overshoots once λ times either exceeds a bound, however small the gradient. So the
 * gradient is taken half-way to where the update leads,
 *
 *   θ' = θ − λ (I + λA)⁻¹ (c + βs²E[JJᵀ]θ),  A = ½ (βs² + ρ/(1 + a)) E[JJᵀ],
 *
 * c the gradient of the KL flow, s the speed scale, a the memory of the chains. It has the fixed points of the explicit flow. The halves
 * are the least for which every λ is stable: along an eigenvalue μ of E[JJᵀ], with k = λρμ and p = λβs²μ, explicit steps are stable if
 * k + (1 + a)p < 2(1 + a), and the factor 1/(1 + ½p + ½k/(1 + a)) of these steps brings any k and p below that bound.
 *
 * Conjugate gradients solve it; Av is a gradient of the penalty at the parameters v. Few steps of the solver give a shorter update.
 *
 * Source: beyond the papers, whose step is explicit; derived and measured in docs/results/wframe.md.
 */
export function implicitJko(options: ImplicitJkoOptions): Flow {
  const { learningRate, solverSteps, response, memory, beta, speedScale } = options;
  const stiff = { ...options, beta: (beta + response / (1 + memory) / speedScale ** 2) / 2 };
  const explicit = jko(options);
  return {
    gradients(potential: Potential, params: SymbolicParams, at: FlowPoint) {
      const { gradients, metrics } = explicit.gradients(potential, params, at);
      const curvature = (v: SymbolicParams): SymbolicParams =>
        valueAndGrad((p: SymbolicParams) => speedPenalty(potential, p, at, stiff).loss)(v)[1];
      const shifted = (v: SymbolicParams): SymbolicParams => plus(v, curvature(v), operand(learningRate));
      const solved = conjugateGradients(shifted, gradients, solverSteps);
      return { gradients: mapTree<Tensor, Tensor, SymbolicParams>(stopGradient, solved), metrics };
    },
  };
}

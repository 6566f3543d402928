import { type Operand, type Tensor, apply, operand } from '../tensor.ts';
import type { DType } from '../types.ts';

/** eˣ. */
export function exp(x: Tensor): Tensor {
  return apply('exp', [x], {});
}
/** Natural logarithm. */
export function log(x: Tensor): Tensor {
  return apply('log', [x], {});
}
/** √x. */
export function sqrt(x: Tensor): Tensor {
  return apply('sqrt', [x], {});
}
/** 1/x. */
export function reciprocal(x: Tensor): Tensor {
  return apply('reciprocal', [x], {});
}
/** |x|; the derivative at 0 is 0. */
export function abs(x: Tensor): Tensor {
  return apply('abs', [x], {});
}
/** −1, 0 or 1. */
export function sign(x: Tensor): Tensor {
  return apply('sign', [x], {});
}
/** Largest integer not above x; derivative zero. */
export function floor(x: Tensor): Tensor {
  return apply('floor', [x], {});
}
/** Sine of x in radians. */
export function sin(x: Tensor): Tensor {
  return apply('sin', [x], {});
}
/** Cosine of x in radians. */
export function cos(x: Tensor): Tensor {
  return apply('cos', [x], {});
}
/** Hyperbolic tangent. */
export function tanh(x: Tensor): Tensor {
  return apply('tanh', [x], {});
}
/** 1/(1 + e⁻ˣ). */
export function sigmoid(x: Tensor): Tensor {
  return apply('sigmoid', [x], {});
}
/** The error function 2/√π ∫₀ˣ e^(−t²) dt. */
export function erf(x: Tensor): Tensor {
  return apply('erf', [x], {});
}
/** log(1 + eˣ), stable for large |x|. */
export function softplus(x: Tensor): Tensor {
  return apply('softplus', [x], {});
}
/** max(x, 0); the derivative at 0 is 0. */
export function relu(x: Tensor): Tensor {
  return apply('relu', [x], {});
}
/** x where positive, `slope`·x elsewhere. */
export function leakyRelu(x: Tensor, slope = 0.2): Tensor {
  return apply('leakyRelu', [x], { slope });
}
/** x·sigmoid(x), also called swish. */
export function silu(x: Tensor): Tensor {
  return apply('silu', [x], {});
}
/** Cumulative distribution of the standard normal law, (1 + erf(x/√2))/2. */
export function normalCdf(x: Tensor): Tensor {
  return apply('normalCdf', [x], {});
}
/** Density of the standard normal law, exp(−x²/2)/√(2π). */
export function normalPdf(x: Tensor): Tensor {
  return apply('normalPdf', [x], {});
}
/** x·Φ(x): the exact Gaussian error linear unit, not its tanh approximation. */
export function gelu(x: Tensor): Tensor {
  return x.mul(normalCdf(x));
}
/** 1 for positive x, 0 for negative x, `zero` in [0, 1] at 0; derivative zero. @throws ShapeError for another `zero` */
export function heaviside(x: Tensor, zero = 0): Tensor {
  return apply('heaviside', [x], { zero });
}
/** aᵇ for positive a; for a constant b also where a is 0 or negative and the power exists. */
export function pow(a: Tensor, b: Operand): Tensor {
  return apply('pow', [a, operand(b)], {});
}
/** Elementwise maximum; equal operands share the derivative. */
export function maximum(a: Tensor, b: Operand): Tensor {
  return apply('maximum', [a, operand(b, a.dtype)], {});
}
/** Elementwise minimum; equal operands share the derivative. */
export function minimum(a: Tensor, b: Operand): Tensor {
  return apply('minimum', [a, operand(b, a.dtype)], {});
}
/** x limited to [low, high]. */
export function clip(x: Tensor, low: number, high: number): Tensor {
  return minimum(maximum(x, low), high);
}
/** a < b, a bool tensor. */
export function less(a: Tensor, b: Operand): Tensor {
  return apply('less', [a, operand(b, a.dtype)], {});
}
/** a ≤ b, a bool tensor. */
export function lessEqual(a: Tensor, b: Operand): Tensor {
  return apply('lessEqual', [a, operand(b, a.dtype)], {});
}
/** a > b, a bool tensor. */
export function greater(a: Tensor, b: Operand): Tensor {
  return apply('less', [operand(b, a.dtype), a], {});
}
/** a ≥ b, a bool tensor. */
export function greaterEqual(a: Tensor, b: Operand): Tensor {
  return apply('lessEqual', [operand(b, a.dtype), a], {});
}
/** a = b, a bool tensor. */
export function equal(a: Tensor, b: Operand): Tensor {
  return apply('equal', [a, operand(b, a.dtype)], {});
}
/** Logical and of bool tensors. */
export function and(a: Tensor, b: Tensor): Tensor {
  return apply('and', [a, b], {});
}
/** Logical or of bool tensors. */
export function or(a: Tensor, b: Tensor): Tensor {
  return apply('or', [a, b], {});
}
/** Logical negation of a bool tensor. */
export function not(a: Tensor): Tensor {
  return apply('not', [a], {});
}
/** `yes` where `condition` holds, `no` elsewhere; all three broadcast. */
export function select(condition: Tensor, yes: Operand, no: Operand): Tensor {
  const dtype = typeof yes === 'number' ? (typeof no === 'number' ? 'float32' : no.dtype) : yes.dtype;
  return apply('select', [condition, operand(yes, dtype), operand(no, dtype)], {});
}
/** The values of `x` as another dtype: towards zero for integers, x ≠ 0 for bool. Derivative zero. */
export function cast(x: Tensor, to: DType): Tensor {
  return apply('cast', [x], { to });
}

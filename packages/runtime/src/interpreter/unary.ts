import { erf } from './erf.ts';
import { type InterpretationRule, type InterpretationRules, floats } from './rule.ts';

type UnaryPrimitive =
  | 'neg'
  | 'abs'
  | 'sign'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'reciprocal'
  | 'sin'
  | 'cos'
  | 'tanh'
  | 'sigmoid'
  | 'erf'
  | 'softplus'
  | 'relu'
  | 'leakyRelu'
  | 'silu'
  | 'heaviside'
  | 'normalCdf'
  | 'normalPdf'
  | 'floor'
  | 'not';

const map =
  (f: (x: number) => number): InterpretationRule<Exclude<UnaryPrimitive, 'leakyRelu' | 'heaviside' | 'not'>> =>
  (inputs) =>
    floats(inputs, 0).map(f);

/** 1/(1 + e⁻ˣ) without cancellation or overflow on either side. */
function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** log(1 + eˣ) = max(x, 0) + log(1 + e^−|x|). */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** Elementwise, one operand. */
export const UNARY_RULES: Pick<InterpretationRules, UnaryPrimitive> = {
  neg: map((x) => -x),
  abs: map(Math.abs),
  sign: map(Math.sign),
  exp: map(Math.exp),
  log: map(Math.log),
  sqrt: map(Math.sqrt),
  reciprocal: map((x) => 1 / x),
  sin: map(Math.sin),
  cos: map(Math.cos),
  tanh: map(Math.tanh),
  sigmoid: map(sigmoid),
  erf: map(erf),
  softplus: map(softplus),
  relu: map((x) => Math.max(x, 0)),
  leakyRelu: (inputs, { slope }) => floats(inputs, 0).map((x) => (x >= 0 ? x : slope * x)),
  silu: map((x) => x * sigmoid(x)),
  heaviside: (inputs, { zero }) => floats(inputs, 0).map((x) => (x === 0 ? zero : x > 0 ? 1 : 0)),
  normalCdf: map((x) => (1 + erf(x * Math.SQRT1_2)) / 2),
  normalPdf: map((x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)),
  floor: map(Math.floor),
  not: ([x]) => (x as Uint8Array).map((value) => (value === 0 ? 1 : 0)),
};

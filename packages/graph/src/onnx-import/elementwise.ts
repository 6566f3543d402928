import {
  abs,
  cast,
  clip,
  cos,
  erf,
  exp,
  floor,
  gelu,
  greater,
  leakyRelu,
  log,
  maximum,
  minimum,
  pow,
  reciprocal,
  relu,
  select,
  sigmoid,
  sign,
  sin,
  softplus,
  sqrt,
  tanh,
} from '../ops/elementwise.ts';
import { pad, slice } from '../ops/shape.ts';
import type { Tensor } from '../tensor.ts';
import { type ImportRule, type NodeContext, Refusal, asTensor, numbersOf } from './context.ts';
import { castType } from './known.ts';

const unary =
  (f: (x: Tensor, at: NodeContext) => Tensor): ImportRule =>
  (at) =>
    f(at.tensor(0), at);

const binary =
  (f: (a: Tensor, b: Tensor) => Tensor): ImportRule =>
  (at) =>
    f(at.tensor(0), at.tensor(1));

/** Any number of operands, from the left. */
const variadic =
  (f: (a: Tensor, b: Tensor) => Tensor): ImportRule =>
  (at) =>
    at.all.map(asTensor).reduce((a, b) => f(a, b));

/** α(eˣ − 1) where x is negative; the exponential never sees a positive number, so it does not overflow there. */
function elu(x: Tensor, alpha: number): Tensor {
  return select(greater(x, 0), x, exp(minimum(x, 0)).sub(1).mul(alpha));
}

/** A bound of Clip: an input since opset 11, an attribute before. */
function bound(at: NodeContext, i: 1 | 2): number | undefined {
  if (at.has(i)) return numbersOf(at.known(i, i === 1 ? 'minimum' : 'maximum'))[0];
  const name = i === 1 ? 'min' : 'max';
  return at.node.attributes[name] === undefined ? undefined : at.number(name, 0);
}

const clipRule: ImportRule = (at) => {
  const x = at.tensor(0);
  const [low, high] = [bound(at, 1), bound(at, 2)];
  // max(x, 0) has a derivative of 0 at 0, as ReLU has in training.
  const above = low === undefined ? x : low === 0 ? relu(x) : maximum(x, low);
  return high === undefined ? above : minimum(above, high);
};

/** x / (bias + α/size Σ x²)^β, the sum over neighbouring channels (AlexNet). */
const localResponse: ImportRule = (at) => {
  const x = at.tensor(0);
  const size = at.number('size', 1);
  const before = Math.floor((size - 1) / 2);
  const channels = x.shape[1] as number;
  const around = pad(
    x.square(),
    x.shape.map((_, axis) => (axis === 1 ? [before, size - 1 - before] : [0, 0])),
  );
  const shifted = Array.from({ length: size }, (_, i) => slice(around, [undefined, [i, i + channels]]));
  const sum = shifted.reduce((a, b) => a.add(b));
  const base = sum.mul(at.number('alpha', 1e-4) / size).add(at.number('bias', 1));
  return x.div(pow(base, at.number('beta', 0.75)));
};

/** Functions of single numbers, and of pairs. */
export const ELEMENTWISE_RULES: Readonly<Record<string, ImportRule>> = {
  Identity: (at) => at.value(0),
  Dropout: (at) => at.value(0),
  Relu: unary(relu),
  LeakyRelu: unary((x, at) => leakyRelu(x, at.number('alpha', 0.01))),
  PRelu: binary((x, slope) => relu(x).sub(slope.mul(relu(x.neg())))),
  Elu: unary((x, at) => elu(x, at.number('alpha', 1))),
  Selu: unary((x, at) => elu(x, at.number('alpha', 1.6732632423543772)).mul(at.number('gamma', 1.0507009873554805))),
  Clip: clipRule,
  Sigmoid: unary(sigmoid),
  HardSigmoid: unary((x, at) => clip(x.mul(at.number('alpha', 0.2)).add(at.number('beta', 0.5)), 0, 1)),
  HardSwish: unary((x) => x.mul(clip(x.div(6).add(0.5), 0, 1))),
  Tanh: unary(tanh),
  Softplus: unary(softplus),
  Mish: unary((x) => x.mul(tanh(softplus(x)))),
  Gelu: unary((x, at) => {
    if (at.text('approximate', 'none') !== 'none') throw new Refusal('it is the tanh approximation of GELU');
    return gelu(x);
  }),
  Erf: unary(erf),
  Exp: unary(exp),
  Log: unary(log),
  Sqrt: unary(sqrt),
  Reciprocal: unary(reciprocal),
  Abs: unary(abs),
  Neg: unary((x) => x.neg()),
  Sign: unary(sign),
  Floor: unary(floor),
  Sin: unary(sin),
  Cos: unary(cos),
  Cast: unary((x, at) => (castType(at) === x.dtype ? x : cast(x, castType(at)))),
  Add: binary((a, b) => a.add(b)),
  Sub: binary((a, b) => a.sub(b)),
  Mul: binary((a, b) => a.mul(b)),
  Div: binary((a, b) => a.div(b)),
  Pow: binary(pow),
  Sum: variadic((a, b) => a.add(b)),
  Max: variadic(maximum),
  Min: variadic(minimum),
  LRN: localResponse,
};

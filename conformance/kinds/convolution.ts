import { type NDArray, type Pair, type Tensor, conv2d, convTranspose2d, grad, tanh } from '@brownian/graph';
import { type Conform, type Reference, inputOf } from '../reference.ts';
import { runtime } from '../runtime.ts';
import { numbers, oneOf, optional, readSpec, requireKnownInputs } from '../spec.ts';

type Inputs = { readonly x: Tensor; readonly w: Tensor; readonly b?: Tensor };
type Arrays = { readonly x: NDArray; readonly w: NDArray; readonly b?: NDArray };

const pair = numbers<Pair>('a number or [height, width]', 2);

const GEOMETRY = {
  stride: optional(pair, 1),
  padding: optional(
    numbers<Pair | readonly [number, number, number, number]>(
      'a number, [height, width] or [top, left, bottom, right]',
      2,
      4,
    ),
    0,
  ),
  dilation: optional(pair, 1),
  // Convolutions of the library have one group.
  groups: optional(oneOf([1]), 1),
};

function biased(b: Tensor | undefined): { readonly bias?: Tensor } {
  return b === undefined ? {} : { bias: b };
}

/** The inputs, of which the bias may be missing, and the weights of y. */
function inputsOf(reference: Reference): [Arrays, NDArray] {
  requireKnownInputs(reference, ['x', 'w', 'b', 'c']);
  const { b } = reference.inputs;
  const arrays = { x: inputOf(reference, 'x'), w: inputOf(reference, 'w'), ...(b !== undefined && { b }) };
  return [arrays, inputOf(reference, 'c')];
}

/** Gradients by the names of files: grad_x and so on. */
function named({ x, w, b }: Inputs, prefix: string): Record<string, Tensor> {
  return { [`${prefix}_x`]: x, [`${prefix}_w`]: w, ...(b !== undefined && { [`${prefix}_b`]: b }) };
}

/** y and the gradients of Σ c·y. */
function firstOrder(y: (inputs: Inputs) => Tensor, inputs: Inputs, c: Tensor): Record<string, Tensor> {
  return { y: y(inputs), ...named(grad((p: Inputs) => y(p).mul(c).sum())(inputs), 'grad') };
}

/** Convolution: values, gradients, and the gradients of Σ (∂/∂x Σ tanh y)². */
export const conformConv2d: Conform = async (reference) => {
  const { stride, padding, dilation } = readSpec(reference, GEOMETRY);
  const y = ({ x, w, b }: Inputs): Tensor => conv2d(x, w, { stride, padding, dilation, ...biased(b) });
  const compute = runtime().compile(
    (inputs: Inputs, c: Tensor) => {
      const penalty = (p: Inputs): Tensor =>
        grad((x: Tensor) => tanh(y({ ...p, x })).sum())(p.x)
          .square()
          .sum();
      const second = named(grad(penalty)(inputs), 'penalty_grad');
      return { ...firstOrder(y, inputs, c), penalty: penalty(inputs), ...second };
    },
    { name: 'conv2d reference' },
  );
  return compute(...inputsOf(reference));
};

/** Transposed convolution: values and gradients. */
export const conformConvTranspose2d: Conform = async (reference) => {
  const { stride, padding, dilation, outputPadding } = readSpec(reference, {
    ...GEOMETRY,
    outputPadding: optional(pair, 0),
  });
  const options = { stride, padding, dilation, outputPadding };
  const y = ({ x, w, b }: Inputs): Tensor => convTranspose2d(x, w, { ...options, ...biased(b) });
  const compute = runtime().compile((inputs: Inputs, c: Tensor) => firstOrder(y, inputs, c), {
    name: 'convTranspose2d reference',
  });
  return compute(...inputsOf(reference));
};

import { type NDArray, type Tensor, conv2d, convTranspose2d, grad, tanh } from '@brownian/graph';
import { type Conform, inputOf, numberOf } from '../reference.ts';
import { runtime } from '../runtime.ts';

type Inputs = { readonly x: Tensor; readonly w: Tensor; readonly b: Tensor };

function inputsOf(reference: Parameters<Conform>[0]): [{ x: NDArray; w: NDArray; b: NDArray }, NDArray] {
  return [
    { x: inputOf(reference, 'x'), w: inputOf(reference, 'w'), b: inputOf(reference, 'b') },
    inputOf(reference, 'c'),
  ];
}

/** y and the gradients of Σ c·y. */
function firstOrder(
  y: (inputs: Inputs) => Tensor,
  inputs: Inputs,
  c: Tensor,
): { y: Tensor; grad_x: Tensor; grad_w: Tensor; grad_b: Tensor } {
  const gradients = grad((p: Inputs) => y(p).mul(c).sum())(inputs);
  return { y: y(inputs), grad_x: gradients.x, grad_w: gradients.w, grad_b: gradients.b };
}

/** Convolution: values, gradients, and the gradients of Σ (∂/∂x Σ tanh y)². */
export const conformConv2d: Conform = async (reference) => {
  const options = { stride: numberOf(reference, 'stride'), padding: numberOf(reference, 'padding') };
  const y = ({ x, w, b }: Inputs): Tensor => conv2d(x, w, { ...options, bias: b });
  const compute = runtime().compile(
    (inputs: Inputs, c: Tensor) => {
      const penalty = (p: Inputs): Tensor =>
        grad((x: Tensor) => tanh(y({ ...p, x })).sum())(p.x)
          .square()
          .sum();
      const second = grad(penalty)(inputs);
      return {
        ...firstOrder(y, inputs, c),
        penalty: penalty(inputs),
        penalty_grad_x: second.x,
        penalty_grad_w: second.w,
        penalty_grad_b: second.b,
      };
    },
    { name: 'conv2d reference' },
  );
  return compute(...inputsOf(reference));
};

/** Transposed convolution: values and gradients. */
export const conformConvTranspose2d: Conform = async (reference) => {
  const options = {
    stride: numberOf(reference, 'stride'),
    padding: numberOf(reference, 'padding'),
    outputPadding: numberOf(reference, 'outputPadding'),
  };
  const y = ({ x, w, b }: Inputs): Tensor => convTranspose2d(x, w, { ...options, bias: b });
  const compute = runtime().compile((inputs: Inputs, c: Tensor) => firstOrder(y, inputs, c), {
    name: 'convTranspose2d reference',
  });
  return compute(...inputsOf(reference));
};

import { type Tensor, batchNorm, grad } from '@brownian/graph';
import { type Conform, inputOf } from '../reference.ts';
import { runtime } from '../runtime.ts';
import { number, optional, readSpec, requireKnownInputs } from '../spec.ts';

type Inputs = { readonly x: Tensor; readonly gamma: Tensor; readonly beta: Tensor };

/** Training-mode batch normalisation: values, gradients of Σ c·y, gradients of Σ (∂/∂x Σ c·y)². */
export const conformBatchNorm: Conform = async (reference) => {
  const { eps: epsilon } = readSpec(reference, { eps: optional(number, 1e-5) });
  requireKnownInputs(reference, ['x', 'gamma', 'beta', 'c']);
  const compute = runtime().compile(
    (inputs: Inputs, c: Tensor) => {
      const y = ({ x, gamma, beta }: Inputs): Tensor => batchNorm(x, { scale: gamma, shift: beta }, epsilon).y;
      const first = grad((p: Inputs) => y(p).mul(c).sum());
      const second = grad((p: Inputs) => first(p).x.square().sum())(inputs);
      const { x, gamma, beta } = first(inputs);
      return {
        y: y(inputs),
        grad_x: x,
        grad_gamma: gamma,
        grad_beta: beta,
        second_grad_x: second.x,
        second_grad_gamma: second.gamma,
      };
    },
    { name: 'batchNorm reference' },
  );
  const inputs = { x: inputOf(reference, 'x'), gamma: inputOf(reference, 'gamma'), beta: inputOf(reference, 'beta') };
  return compute(inputs, inputOf(reference, 'c'));
};

import { type Tensor, gelu, leakyRelu, relu, silu, softplus, tanh } from '@brownian/graph';

/** The name of an activation, as configurations choose it. */
export type ActivationName = 'relu' | 'leakyRelu' | 'gelu' | 'silu' | 'softplus' | 'tanh';

/** Activations by name. `leakyRelu` has slope 0.2. */
export const ACTIVATIONS: Readonly<Record<ActivationName, (x: Tensor) => Tensor>> = {
  relu,
  leakyRelu: (x) => leakyRelu(x, 0.2),
  gelu,
  silu,
  softplus,
  tanh,
};

import { type NDArray, type Tensor, constant, float32Data, full, operand, sqrt, vjp } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { SymbolicParams } from 'brownian';
import { images, seeded } from '../data.ts';
import { wideResNet, wideResNetParams } from '../nets/wide-resnet.ts';
import { trainingCase } from '../training.ts';
import type { Workload } from '../workload.ts';

const SHAPE = [32, 3, 32, 32] as const;
const SETTINGS = {
  widths: [64, 128, 256],
  blocks: 2,
  omega: 1,
  s: 0.01,
  eta: 1e-4,
  epsilon: 1e-4,
  rate: 1e-4,
  beta1: 0.9,
} as const;

type Batch = { readonly data: Tensor; readonly noise: Tensor; readonly t: Tensor };

/** t = e^τ − ε with τ uniform (METHODS section 4). */
function times(n: number, epsilon: number, draw: Stream): NDArray {
  const tau = draw.uniform([n], Math.log(epsilon), Math.log(1 + epsilon));
  return { ...tau, data: float32Data(tau).map((value) => Math.max(0, Math.exp(value) - epsilon)) };
}

/** The paper's loss, γ centred per datum: mean Φ(x)(γ − γ̄) + mean ‖∇ₓΦ‖² + η mean Φ² (METHODS section 4). */
function vapoLoss(params: SymbolicParams, { data, noise, t }: Batch): Tensor {
  const { omega, s, eta } = SETTINGS;
  const [n, ...dims] = data.shape as readonly [number, ...number[]];
  const perItem = (value: Tensor): Tensor => value.reshape([n, 1, 1, 1]);
  const total = (value: Tensor): Tensor => value.sum([1, 2, 3]);
  const scale = t.mul(omega ** 2).add(s ** 2);
  const a = t.mul(omega ** 2).div(scale);
  const variance = operand(s ** 2 * omega ** 2).div(scale);
  const x = data.mul(perItem(a)).add(noise.mul(perItem(sqrt(variance))));
  const gamma = total(data.sub(x).square()).mul(1 / s ** 2);
  const size = dims.reduce((p, q) => p * q, 1);
  const mean = variance
    .mul(size)
    .add(operand(1).sub(a).square().mul(total(data.square())))
    .mul(1 / s ** 2);
  // One forward pass for Φ and for its gradient: particles do not interact, so a cotangent of ones gives every ∇ₓΦ.
  const [potential, pullback] = vjp((at: Tensor) => wideResNet(params, at), x);
  const force = pullback(constant(full([n], 1)));
  const speed = total(force.square()).mean();
  return potential.mul(gamma.sub(mean)).mean().add(speed).add(potential.square().mean().mul(eta));
}

/** A step on VAPO's loss with Adam: double backprop through a wide residual net with GELU and weight normalisation. */
export const vapo: Workload = {
  name: 'vapo',
  title: `VAPO loss step, wide ResNet ${SETTINGS.widths.join('-')}, ${SHAPE.join('×')}`,
  settings: SETTINGS,
  setup: (runtime) => {
    const draw = seeded('vapo');
    const data = images(SHAPE, draw);
    const training = {
      name: 'VAPO step',
      params: wideResNetParams(SETTINGS.widths, SETTINGS.blocks, draw),
      loss: (params: SymbolicParams, batch: unknown) => vapoLoss(params, batch as Batch),
      batch: () => ({ data, noise: draw.normal(SHAPE), t: times(SHAPE[0], SETTINGS.epsilon, draw) }),
      rate: SETTINGS.rate,
      adam: { beta1: SETTINGS.beta1 },
    };
    return Promise.resolve(trainingCase(runtime, training));
  },
};

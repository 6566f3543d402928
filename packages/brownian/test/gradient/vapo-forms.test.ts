import { type NDArray, type Tensor, flatten } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, describe, expect, test } from 'vitest';
import { POISSON_DEFAULTS, type PoissonOptions, poissonGradients } from '../../src/flows/poisson.ts';
import type { SymbolicParams } from '../../src/interfaces.ts';
import { buildVariationalNet, variationalPotential } from '../../src/learners/variational-nets.ts';
import type { VariationalNet, VariationalPotentialOptions } from '../../src/learners/variational-options.ts';
import { scalarPotential } from '../../src/potentials/scalar.ts';
import { numbersOf } from '../support/trees.ts';

const runtime = nodeRuntime({ threads: 1 });
afterAll(() => runtime.dispose());

/** Each network at a size of milliseconds. */
const NETS: Readonly<Record<VariationalNet, { readonly shape: number[]; readonly edit: object }>> = {
  mlp: { shape: [2], edit: { channels: [16, 16] } },
  conv: { shape: [1, 12, 12], edit: { channels: [4, 6], hidden: 8, gain: 1 } },
  'wide-resnet': { shape: [3, 8, 8], edit: { channels: [4, 6], blocks: 1, gain: 1 } },
};
const BATCH = 5;

/** Every gradient of the loss on ONNX Runtime, in single precision. */
async function gradientsOf(
  net: VariationalNet,
  edit: Pick<PoissonOptions, 'estimator' | 'backprop'>,
): Promise<number[]> {
  const { shape, edit: small } = NETS[net];
  const options: VariationalPotentialOptions = {
    ...(variationalPotential(net, shape) as VariationalPotentialOptions),
    ...small,
  };
  const { gain, clock } = options;
  const potential = scalarPotential(buildVariationalNet(options, shape), shape, { clock, gain });
  const draw = createStream(`forms of ${net}`);
  const at = {
    data: draw.normal([BATCH, ...shape]),
    clock: draw.uniform([BATCH]),
    noise: draw.normal([BATCH, ...shape]),
  };
  const poisson = { ...POISSON_DEFAULTS, dataStd: 0.3, poincare: 0.1, clock, ...edit };
  const gradients = runtime.compile(
    (params: SymbolicParams, point: { data: Tensor; clock: Tensor; noise: Tensor }) =>
      poissonGradients(potential, params, point, poisson).gradients,
  );
  const found = await gradients(potential.init(createStream('params')), at);
  await gradients.dispose();
  return flatten<NDArray>(found).leaves.flatMap(numbersOf);
}

describe.each(Object.keys(NETS) as VariationalNet[])('%s', (net) => {
  test.each(['covariance', 'stein'] as const)(
    'has one gradient of the %s form by double backprop and by the directional pass, on the device too',
    async (estimator) => {
      const double = await gradientsOf(net, { estimator, backprop: 'double' });
      const directional = await gradientsOf(net, { estimator, backprop: 'directional' });
      const norm = Math.hypot(...double);
      expect(norm).toBeGreaterThan(0.1);
      const difference = Math.hypot(...double.map((value, i) => value - (directional[i] as number)));
      expect(difference / norm).toBeLessThan(1e-3);
      const largest = Math.max(...double.map(Math.abs));
      directional.forEach((value, i) => expect(Math.abs(value - (double[i] as number))).toBeLessThan(1e-3 * largest));
    },
  );
});

import { type NDArray, float32Data, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pointDataset } from '../../src/data/dataset.ts';
import { MODELS } from '../../src/learners/presets.ts';
import { createVariationalLearner } from '../../src/learners/variational-family.ts';
import type { VariationalLearner, VariationalState } from '../../src/learners/variational-model.ts';
import { momentsOf } from '../support/statistics.ts';

/**
 * Data at −1 and 1 with masses .3 and .7. The homotopy's density is known exactly: .3 N(−a, Σ) + .7 N(a, Σ) with
 * a = t/(s² + t) and Σ = s²/(s² + t), so what the learned flow makes of the prior can be compared with it at any time.
 */
const [LOW, NOISE, EPSILON] = [0.3, 0.1, 1e-3];
const [BATCH, ITERATIONS, PARTICLES] = [1000, 3000, 20_000];

const runtime = nodeRuntime({ threads: 2 });
afterAll(() => runtime.dispose());

const preset = MODELS.vapo.defaults([1]);
const learner: VariationalLearner = createVariationalLearner(
  runtime,
  'vapo',
  {
    ...preset,
    potential: { ...preset.potential, channels: [64, 64, 64] },
    path: { priorStd: 1, dataStd: NOISE, epsilon: EPSILON },
    optimizer: { ...preset.optimizer, learningRate: 3e-3, decayIterations: ITERATIONS },
    sampling: { ...preset.sampling, rtol: 1e-4, atol: 1e-4, tEnd: 1 },
    preview: { particles: 1, steps: 50 },
  },
  [1],
);
let state: VariationalState;

beforeAll(async () => {
  const values = Float32Array.from({ length: BATCH }, (_, i) => (i < LOW * BATCH ? -1 : 1));
  const key = createStream('two points');
  state = await learner.init(key.split('init'), pointDataset('two points', values, 1));
  const draw = key.split('draw');
  for (let i = 0; i < ITERATIONS; i++) [state] = await learner.step(state, { x: ndarray(values, [BATCH, 1]) }, draw);
});

/** Where the flow has taken draws of the prior by clock s. */
async function at(tEnd: number): Promise<Float32Array> {
  const prior: NDArray = createStream('prior').normal([PARTICLES, 1]);
  return float32Data((await learner.flow(state, prior, { tEnd })).x);
}

test('the flow carries the prior to the data: masses, means, spread', async () => {
  const x = await at(1);
  const [low, high] = [momentsOf(x.filter((v) => v < 0)), momentsOf(x.filter((v) => v >= 0))];
  // The standard error of a share of 20,000 is .003; what is left is the error of the learned field.
  expect(Math.abs(high.count / PARTICLES - (1 - LOW))).toBeLessThan(0.01);
  const scale = NOISE ** 2 + 1;
  const [mean, std] = [1 / scale, NOISE / Math.sqrt(scale)];
  expect(Math.abs(low.mean + mean)).toBeLessThan(0.02);
  expect(Math.abs(high.mean - mean)).toBeLessThan(0.02);
  for (const { variance } of [low, high]) expect(Math.abs(Math.sqrt(variance) / std - 1)).toBeLessThan(0.1);
});

/** Φ of a standard normal, to 1.5e-7 (Abramowitz and Stegun 7.1.26). */
function normalCdf(z: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(z)) / Math.SQRT2);
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = (series * Math.exp((-z * z) / 2)) / 2;
  return z < 0 ? tail : 1 - tail;
}

describe('along the homotopy', () => {
  test.each([0.2, 0.4, 0.6, 0.8, 1])('the density is the exact one at s = %d', async (clock) => {
    const t = EPSILON * (((1 + EPSILON) / EPSILON) ** clock - 1);
    const scale = NOISE ** 2 + t;
    const [a, std] = [t / scale, NOISE / Math.sqrt(scale)];
    const exact = (x: number): number => LOW * normalCdf((x + a) / std) + (1 - LOW) * normalCdf((x - a) / std);
    const x = (await at(clock)).toSorted();
    const distance = x.reduce((most, v, i) => Math.max(most, Math.abs(exact(v) - (i + 0.5) / PARTICLES)), 0);
    // Exact draws stay below .0115 (Kolmogorov, p = .01); the field adds its share. Batch centring or a wrong clock give above .1.
    expect(distance).toBeLessThan(0.03);
  });
});

test('items go back along the flow to the prior, and return', async () => {
  const { latent } = learner;
  const values = Float32Array.from({ length: 2000 }, (_, i) => (i < 600 ? -1 : 1));
  const items = ndarray(values, [2000, 1]);
  const z = await latent.encode?.(state, items, createStream('encode'));
  const noise = momentsOf(float32Data(z as NDArray));
  // Standard normal: standard errors .022 and .032, and as much for the field.
  expect(Math.abs(noise.mean)).toBeLessThan(0.09);
  expect(Math.abs(noise.variance - 1)).toBeLessThan(0.13);
  const back = float32Data(await latent.decode(state, z as NDArray));
  // Data are noisy at the end of the path; four of its standard deviations away they are still on their own side.
  expect(back.every((v, i) => Math.abs(v - (values[i] as number)) < 0.6)).toBe(true);
});

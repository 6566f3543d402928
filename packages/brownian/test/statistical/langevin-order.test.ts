import { type NDArray, ndarray, zeros } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, describe, expect, test } from 'vitest';
import type { Dataset } from '../../src/interfaces.ts';
import { pointDataset } from '../../src/data/dataset.ts';
import { kl } from '../../src/flows/kl.ts';
import type { DescriptiveModel } from '../../src/learners/descriptive-model.ts';
import { descriptiveLearner } from '../../src/learners/descriptive.ts';
import { sgd } from '../../src/optim/optimizers.ts';
import { langevin } from '../../src/samplers/langevin.ts';
import { FLAT } from '../support/potentials.ts';
import { MAX_Z, correlationScore, expectScores, momentsOf } from '../support/statistics.ts';
import { burnIn, gaussian, options, stationary, walk } from './support.ts';

const runtime = nodeRuntime({ threads: 2 });
afterAll(() => runtime.dispose());

const SIGMA = 0.3;

/** The relative bias of a chain's variance, and its standard error. */
interface Bias {
  readonly value: number;
  readonly error: number;
}

/**
 * Measures the bias of the variance against the exact Ornstein-Uhlenbeck process with the same noise,
 * y ← e^(−δ²/2) y + σ √(1 − e^(−δ²)) ξ, whose variance is σ² at every δ. The two paths stay within a per cent of each other,
 * so that x² − y² has some thirtieth of the spread of x²: the bias is measured as if by a thousand times the particles.
 */
async function varianceBias(delta: number, count: number): Promise<Bias> {
  const settings = options({ delta, sigma: SIGMA });
  const shape = [count, 1];
  const [draw, same] = [createStream(`order ${delta}`), createStream(`order ${delta}`)];
  const sampler = langevin(runtime, FLAT, settings);
  let state = sampler.init([], zeros(shape));
  const exact = new Float64Array(count);
  const [decay, spread] = [Math.exp((-delta * delta) / 2), SIGMA * Math.sqrt(1 - Math.exp(-delta * delta))];
  for (let step = 0; step < 2 * burnIn(stationary(settings)); step++) {
    [state] = await sampler.step(state, draw);
    const noise = same.normal(shape).data as Float32Array;
    for (let i = 0; i < count; i++) exact[i] = decay * (exact[i] as number) + spread * (noise[i] as number);
  }
  await sampler.dispose();
  const differences = exact.map((y, i) => ((state.x.data[i] as number) ** 2 - y * y) / SIGMA ** 2);
  const { mean, variance } = momentsOf(differences);
  return { value: mean, error: Math.sqrt(variance / count) };
}

test('the variance of the step is biased at second order in δ', async () => {
  const [coarse, fine] = [0.6, 0.3];
  const [a, b] = [await varianceBias(coarse, 40_000), await varianceBias(fine, 40_000)];
  const theory = (delta: number): number => 1 / (1 - delta ** 2 / 4) - 1;
  expectScores({ coarse: (a.value - theory(coarse)) / a.error, fine: (b.value - theory(fine)) / b.error });

  const order = Math.log2(a.value / b.value);
  const error = Math.hypot(a.error / a.value, b.error / b.value) / Math.LN2;
  // δ²/4 + δ⁴/16 + …: between .6 and .3 the exact order is 2.10.
  const exact = Math.log2(theory(coarse) / theory(fine));
  expect(Math.abs(order - exact) / error).toBeLessThan(MAX_Z);
  expect(error, 'the order is measured well enough to tell 2 from 2.25').toBeLessThan(0.05);
  expect(order - 2).toBeGreaterThan(-0.2);
  expect(order - 2).toBeLessThan(0.25);
});

describe.each([0.1, 0.5])('chains decorrelate at δ = %d', (delta) => {
  const settings = options({ delta, sigma: SIGMA });
  const law = stationary(settings);

  test('as (1 − δ²/2)ᵏ over k steps', async () => {
    const shape = [30_000, 1];
    const start = gaussian(`decay ${delta}`, shape, 0, law.variance);
    const lags = [1, 10, 60].map((time) => Math.max(1, Math.round((time * 0.02) / delta ** 2)));
    const counts = lags.map((lag, i) => lag - (lags[i - 1] ?? 0));
    const seen = await walk(runtime, FLAT, settings, start, counts, `decay of ${delta}`);
    expectScores(
      Object.fromEntries(
        seen.map((x, i) => [
          `lag ${lags[i]}`,
          correlationScore(start.data as Float32Array, x.data as Float32Array, law.decay ** (lags[i] as number)),
        ]),
      ),
    );
  });
});

describe('the chains of a learner', () => {
  const STEPS = 5;
  const PARTICLES = 4000;
  const settings = options({ delta: 0.3, sigma: SIGMA, steps: STEPS });
  const law = stationary(settings);
  const data: Dataset = pointDataset('anything', new Float32Array(4), 2);
  const model = (chains: Partial<DescriptiveModel['chains']>): DescriptiveModel => ({
    name: 'Φ = 0',
    itemShape: [2],
    potential: FLAT,
    flow: kl(),
    optimizer: sgd(0),
    langevin: settings,
    chains: {
      kind: 'persistent',
      particles: PARTICLES,
      bufferSize: PARTICLES,
      fresh: 0,
      start: 'zero',
      range: [-1, 1],
      ...chains,
    },
    sampling: { from: 'chains', steps: 0, temperature: null },
    dataNoise: 0,
    ema: 0,
  });

  /** Chains at their law, as they are after some iterations. */
  async function evolve(
    chains: Partial<DescriptiveModel['chains']>,
    iterations: number,
  ): Promise<{ start: NDArray; particles: NDArray; buffer: NDArray | undefined }> {
    const learner = descriptiveLearner(runtime, model(chains));
    const key = createStream(JSON.stringify(chains));
    const start = gaussian('chains', [PARTICLES, 2], 0, law.variance);
    const fresh = await learner.init(key.split('init'), data);
    let state = { ...fresh, particles: start, ...(fresh.buffer && { buffer: start }) };
    const draw = key.split('draw');
    for (let i = 0; i < iterations; i++) [state] = await learner.step(state, await data.batch([0, 1]), draw);
    await learner.dispose();
    return { start, particles: state.particles, buffer: state.buffer };
  }

  test.each([1, 4])(
    'persist: over %d iterations of L steps the correlation is aᴸ per iteration',
    async (iterations) => {
      const { start, particles } = await evolve({}, iterations);
      const rho = law.decay ** (STEPS * iterations);
      expectScores({ correlation: correlationScore(start.data as Float32Array, particles.data as Float32Array, rho) });
    },
  );

  test('stay in their rows of the buffer', async () => {
    const { start, buffer } = await evolve({ kind: 'buffer' }, 3);
    const rho = law.decay ** (STEPS * 3);
    expectScores({ correlation: correlationScore(start.data as Float32Array, buffer?.data as Float32Array, rho) });
  });

  test('restart from zero in the share that is asked for', async () => {
    const { start, particles } = await evolve({ fresh: 0.25 }, 1);
    const moved = particles.data as Float32Array;
    // A restarted chain has a memory of zero and the variance v (1 − a²ᴸ); one that goes on has the variance v.
    const [v, a] = [law.variance, law.decay ** STEPS];
    const mixture = 0.75 * v + 0.25 * v * (1 - a * a);
    const { mean, variance, kurtosis } = momentsOf(moved);
    const error = variance * Math.sqrt((kurtosis - 1) / moved.length);
    expectScores({ mean: mean / Math.sqrt(variance / moved.length), variance: (variance - mixture) / error });

    // E[x₀ x₁] = ¾ a v; its standard error comes from the products themselves.
    const products = ndarray(Float32Array.from(moved, (x, i) => x * (start.data[i] as number)));
    const covariance = momentsOf(products.data as Float32Array);
    expectScores({ memory: (covariance.mean - 0.75 * a * v) / Math.sqrt(covariance.variance / covariance.count) });
  });
});

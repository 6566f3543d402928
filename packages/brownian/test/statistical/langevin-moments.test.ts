import { zeros } from '@brownian/graph';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, describe, expect, test } from 'vitest';
import { FLAT, quadratic } from '../support/potentials.ts';
import { MAX_Z, expectScores, gaussianScores } from '../support/statistics.ts';
import { burnIn, gaussian, options, stationary, walk } from './support.ts';

const runtime = nodeRuntime({ threads: 2 });
afterAll(() => runtime.dispose());

/** Independent particles times independent coordinates. The variance is then known to .8 %. */
const SHAPE = [2000, 4, 4];
/** Of no unit length, so that a factor of σ too many or too few shows. */
const SIGMA = 0.3;

describe.each([0.05, 0.2, 0.5])('Langevin with Φ = 0 at δ = %d', (delta) => {
  const settings = options({ delta, sigma: SIGMA });
  const law = stationary(settings);

  test('has the variance σ²/(1 − δ²/4), worked out twice', () => {
    // Rounding of a few operations in double precision.
    expect(law.variance / (SIGMA ** 2 / (1 - delta ** 2 / 4))).toBeCloseTo(1, 14);
    expect(law.decay).toBeCloseTo(1 - delta ** 2 / 2, 15);
  });

  test('reaches its Gaussian from zero', async () => {
    const [x] = await walk(runtime, FLAT, settings, zeros(SHAPE), [burnIn(law)], `from zero ${delta}`);
    expectScores(gaussianScores(x.data as Float32Array, 0, law.variance));
  });

  test('stays at its Gaussian when it starts there', async () => {
    const start = gaussian(`start ${delta}`, SHAPE, 0, law.variance);
    const seen = await walk(runtime, FLAT, settings, start, [1, 30, 200], `from the law ${delta}`);
    for (const x of [start, ...seen]) expectScores(gaussianScores(x.data as Float32Array, 0, law.variance));
  });

  test('grows from zero as its transient says: variance σ²/(1 − δ²/4) · (1 − a²ᵏ)', async () => {
    const counts = [1, 4, 15];
    const seen = await walk(runtime, FLAT, settings, zeros(SHAPE), counts, `transient ${delta}`);
    let steps = 0;
    seen.forEach((x, i) => {
      steps += counts[i] as number;
      expectScores(gaussianScores(x.data as Float32Array, 0, law.variance * (1 - law.decay ** (2 * steps))));
    });
  });
});

test('these tests would see the step’s own bias: at δ = .5 a variance of σ² is refused', async () => {
  const settings = options({ delta: 0.5, sigma: SIGMA });
  const [x] = await walk(runtime, FLAT, settings, zeros(SHAPE), [burnIn(stationary(settings))], 'power');
  expect(gaussianScores(x.data as Float32Array, 0, SIGMA ** 2).variance).toBeGreaterThan(MAX_Z);
});

describe.each([
  { name: 'a narrow likelihood', likelihood: { mean: 0.5, tau: 0.2 }, edit: {} },
  { name: 'a wide likelihood', likelihood: { mean: -0.3, tau: 0.9 }, edit: { delta: 0.6 } },
  { name: 'no reference', likelihood: { mean: 0.5, tau: 0.2 }, edit: { reference: false } },
  { name: 'temperature 2', likelihood: { mean: 0.5, tau: 0.2 }, edit: { temperature: 2 } },
  { name: 'temperature 1/16', likelihood: { mean: 0.5, tau: 0.2 }, edit: { temperature: 1 / 16 } },
])('Langevin on Φ = −‖x − μ‖²/2τ² with $name', ({ name, likelihood, edit }) => {
  const settings = options({ delta: 0.4, sigma: SIGMA, ...edit });
  const law = stationary(settings, likelihood);
  const potential = quadratic(likelihood.mean, likelihood.tau);

  test('is stationary at the posterior, with the variance of the discrete step', async () => {
    const [x] = await walk(runtime, potential, settings, zeros(SHAPE), [2 * burnIn(law)], name);
    expectScores(gaussianScores(x.data as Float32Array, law.mean, law.variance));
  });

  test('stays there', async () => {
    const start = gaussian(`${name}, start`, SHAPE, law.mean, law.variance);
    for (const x of await walk(runtime, potential, settings, start, [1, 50], `${name}, stays`)) {
      expectScores(gaussianScores(x.data as Float32Array, law.mean, law.variance));
    }
  });
});

test('at temperature 0 particles go to the mode of the posterior', async () => {
  const settings = options({ delta: 0.4, sigma: SIGMA, temperature: 0 });
  const likelihood = { mean: 0.5, tau: 0.2 };
  const law = stationary(settings, likelihood);
  const [x] = await walk(runtime, quadratic(0.5, 0.2), settings, zeros([3, 2]), [4 * burnIn(law)], 'mode');
  // The distance has shrunk by 1e-12; what is left is float32 rounding at .35.
  for (const value of x.data as Float32Array) expect(Math.abs(value - law.mean)).toBeLessThan(1e-6);
});

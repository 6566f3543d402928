import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, expect, test } from 'vitest';
import type { Modes } from '../../src/data/toy2d/distribution.ts';
import { EIGHT_GAUSSIANS } from '../../src/data/toy2d/mixtures.ts';
import { modeSpreads } from '../../src/metrics/mode-coverage.ts';
import { elasticParticles } from '../../src/samplers/elastic-particles.ts';

const runtime = nodeRuntime({ threads: 1 });
afterAll(() => runtime.dispose());

const MODES = EIGHT_GAUSSIANS.modes as Modes;
const KERNEL = { dimension: 2, cutoff: 0.1 };

/** Particles of the elastic flow on 8 Gaussians, from N(0, I). */
async function settled(repulsion: number, end: number) {
  const key = createStream('elastic particles');
  const [data, start] = [EIGHT_GAUSSIANS.sample(key, 800), key.normal([400, 2])];
  const options = { kernel: KERNEL, attraction: 1, repulsion, end, solver: 'bosh3', rtol: 1e-2, atol: 1e-2 } as const;
  return modeSpreads((await elasticParticles(runtime, start, data, options)).x, MODES);
}

test('particles of equal mobilities come to every mode of 8 Gaussians with its spread, those of 2 : 1 collapse in it', async () => {
  const [equal, double] = [await settled(1, 40), await settled(0.5, 40)];
  const mean = (spreads: readonly number[]): number => spreads.reduce((a, b) => a + b, 0) / spreads.length;
  for (const { counts } of [equal, double])
    // 50 come to each in the end; some are still under way.
    for (const count of counts) expect(count).toBeGreaterThan(25);
  // The spread of about 40 points has a standard error of 8 %, the mean over eight modes of 3 %.
  expect(Math.abs(mean(equal.spreads) / MODES.std - 1)).toBeLessThan(0.2);
  expect(mean(double.spreads) / MODES.std).toBeLessThan(0.2);
});

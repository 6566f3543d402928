import { ndarray } from '@brownian/graph';
import type { Metrics } from 'brownian';
import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../src/config/settings.ts';
import { type Symptom, type Watch, isCalm, observe, particleSpread } from '../src/divergence.ts';
import { explainDivergence, remediesFor } from '../src/remedies/remedies.ts';

/** Watches a series; returns the iteration of the first symptom, from 1, with it. */
function watched(series: readonly Metrics[]): { at: number; symptom: Symptom | undefined; watch: Watch } {
  let watch: Watch = {};
  for (const [i, metrics] of series.entries()) {
    const [next, symptom] = observe(watch, metrics);
    if (symptom !== undefined) return { at: i + 1, symptom, watch: next };
    watch = next;
  }
  return { at: 0, symptom: undefined, watch };
}

const series = (length: number, value: (i: number) => Metrics): Metrics[] =>
  Array.from({ length }, (_, i) => value(i + 1));

describe('the watch for divergence', () => {
  it.each([
    ['steady', (i: number) => 3 + Math.sin(i)],
    ['growing ten times in a hundred iterations', (i: number) => 10 ** (i / 100)],
    ['with a spike of four iterations', (i: number) => (i > 100 && i < 105 ? 1e6 : 3)],
    ['starting at zero', (i: number) => Math.max(0, i - 30)],
    ['falling ten thousand times', (i: number) => 1e4 / i],
  ])('leaves a run alone whose norms are %s', (_name, value) => {
    const all = series(1000, (i) => ({
      parameterGradientNorm: value(i),
      gradientNorm: value(i),
      potentialData: value(i),
      potentialParticles: -value(i),
      particleSpread: 1 + 0.5 * Math.sin(i),
    }));
    expect(watched(all).symptom).toBeUndefined();
  });

  it('looks at every grid by itself, and says which one went wrong', () => {
    const usual = { gradientNorm: 3, 'gradientNorm@7': 5 };
    const { at, symptom, watch } = watched(series(200, (i) => ({ ...usual, 'gradientNorm@7': i > 100 ? 5001 : 5 })));
    expect([at, symptom?.kind]).toEqual([105, 'exploding force']);
    expect(symptom?.seen).toContain(
      'the force on a particle on the grid of 7 pixels has been above 1000 times its usual 5',
    );
    expect(isCalm(watch)).toBe(false);
    expect(isCalm(watched(series(200, () => usual)).watch)).toBe(true);
  });

  it.each([
    ['exploding gradient', 105, { parameterGradientNorm: 3001 }],
    ['exploding force', 105, { gradientNorm: 3001 }],
    ['exploding potential', 105, { potentialData: -3001 }],
    ['exploding potential', 105, { potentialParticles: 3001 }],
    ['scattered particles', 120, { particleSpread: 10.1 }],
    ['collapsed potential', 120, { gradientNorm: 2.9e-6 }],
    ['collapsed potential', 120, { parameterGradientNorm: 0 }],
    ['collapsed particles', 120, { particleSpread: 0.0099 }],
  ])('sees %s in iteration %i, given %j from iteration 101 on', (kind, at, odd) => {
    const usual = {
      parameterGradientNorm: 3,
      gradientNorm: 3,
      potentialData: 3,
      potentialParticles: 3,
      particleSpread: 1,
    };
    const found = watched(series(200, (i) => (i > 100 ? { ...usual, ...odd } : usual)));
    expect(found.symptom?.kind).toBe(kind);
    expect(found.at).toBe(at);
    expect(isCalm(found.watch)).toBe(false);
  });

  it('sees what is not finite at once, and says which', () => {
    const found = watched(series(9, (i) => ({ loss: i === 3 ? NaN : 1 })));
    expect(found).toMatchObject({ at: 3, symptom: { kind: 'not finite', seen: 'the metric "loss" is NaN' } });
  });

  it('says what it saw', () => {
    const { symptom } = watched(series(50, (i) => ({ gradientNorm: i > 20 ? 5e4 : 2 })));
    expect(symptom?.seen).toBe(
      'the force on a particle has been above 1000 times its usual 2.00 for 5 iterations, and is 50000',
    );
  });

  it('goes on from what a checkpoint holds as if nothing had happened', () => {
    const all = series(140, (i) => ({ gradientNorm: i > 120 ? 1e9 : 2 + Math.sin(i) }));
    let watch: Watch = {};
    for (const metrics of all.slice(0, 122)) [watch] = observe(watch, metrics);
    expect(isCalm(watch)).toBe(false);
    let restored = JSON.parse(JSON.stringify(watch)) as Watch;
    for (const metrics of all.slice(122, 124)) {
      [watch] = observe(watch, metrics);
      [restored] = observe(restored, metrics);
    }
    expect(restored).toEqual(watch);
    expect(observe(restored, all[124] ?? {})[1]?.kind).toBe('exploding force');
  });
});

describe('the spread of particles', () => {
  const points = ndarray([0, 0, 2, 0, 0, 4, 2, 4], [4, 2]);
  it('is 1 for the data themselves, and scales', () => {
    expect(particleSpread(points, points)).toBeCloseTo(1, 12);
    expect(particleSpread(ndarray([10, 10, 16, 10, 10, 22, 16, 22], [4, 2]), points)).toBeCloseTo(3, 12);
  });

  it('is 0 when all particles are one, and nothing when there is nothing to compare', () => {
    expect(particleSpread(ndarray([7, 7, 7, 7], [2, 2]), points)).toBe(0);
    expect(particleSpread(ndarray([7, 7], [1, 2]), points)).toBeUndefined();
    expect(particleSpread(points, ndarray([1, 1, 1, 1], [2, 2]))).toBeUndefined();
  });
});

describe('the remedy', () => {
  const images = { itemShape: [1, 28, 28], size: 100 };
  const symptom = { kind: 'scattered particles', seen: 'x' } as const;

  it('fits what was seen and what is set', () => {
    const plain = resolveConfig({ data: 'mnist', model: 'pgcn' }, images);
    expect(remediesFor(symptom, plain)).toEqual([
      '--langevin.delta 0.1 (a smaller step)',
      '--langevin.clip -1,1',
      '--langevin.max-displacement 0.1',
    ]);
    const careful = resolveConfig({ data: 'mnist', model: 'wgcn', langevin: { delta: 0.5 } }, images);
    expect(remediesFor(symptom, careful)).toEqual(['--langevin.delta 0.25 (a smaller step)', '--flow.beta 120']);
    expect(remediesFor({ kind: 'exploding potential', seen: '' }, plain)).toEqual([
      '--flow.energy-l2 0.1 (L2 on Φ)',
      '--flow.beta 200000 (the JKO flow)',
      '--learning-rate 0.0005',
    ]);
    expect(remediesFor({ kind: 'exploding gradient', seen: '' }, plain)[0]).toBe('--optimizer.gradient-clip 1');
    expect(remediesFor({ kind: 'collapsed particles', seen: '' }, plain)[0]).toBe('--chains.fresh 0.05');
  });

  it('offers a rollback once, and says where it goes', () => {
    const config = resolveConfig({ data: 'mnist' }, images);
    const explained = (rollbacks: number, good: number): string =>
      explainDivergence(symptom, config, { iteration: 9, rollbacks, good });
    expect(explained(0, 8)).toContain(
      'with --on-divergence rollback, which goes back to the good checkpoint of iteration 8',
    );
    expect(explained(0, 0)).toContain('goes back to its beginning');
    expect(explained(1, 8)).toMatch(
      /^Training diverged in iteration 9 after 1 rollback \(x\); train anew with [^;]+\.$/,
    );
  });
});

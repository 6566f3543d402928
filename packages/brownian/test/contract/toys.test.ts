import { float32Data } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { describe, expect, test } from 'vitest';
import { TOY_DISTRIBUTIONS, type ToyName, toyDataset } from '../../src/data/toy2d/table.ts';
import { expectRows } from '../support/rows.ts';
import { expectScores, momentsOf } from '../support/statistics.ts';
import { expectSameBits, nonFinite } from '../support/trees.ts';

interface ToyRow {
  /** Expectation, from the definition. */
  readonly mean: readonly [number, number];
  /** No point is further out, but for eight standard deviations of noise. */
  readonly radius: number;
  readonly modes?: number;
  readonly hasDensity: boolean;
}

/** E[(t cos t, t sin t)]/7 for t uniform on [3π/2, 9π/2]. */
const ROLL_MEAN = [2 / 7, 2 / (3 * Math.PI) / 7] as const;

const ROWS: Readonly<Record<ToyName, ToyRow>> = {
  '8-gaussians': { mean: [0, 0], radius: 1.4, modes: 8, hasDensity: true },
  '25-gaussians': { mean: [0, 0], radius: Math.SQRT2 * 2.4, modes: 25, hasDensity: true },
  'two-moons': { mean: [0, 0], radius: 1.7 + 0.8, hasDensity: false },
  rings: { mean: [0, 0], radius: 2.4, hasDensity: true },
  'swiss-roll': { mean: ROLL_MEAN, radius: 2.02 + 0.4, hasDensity: false },
  pinwheel: { mean: [0, 0], radius: 3.5, hasDensity: false },
  checkerboard: { mean: [0, 0], radius: Math.SQRT2 * 2, hasDensity: true },
};

const COUNT = 4000;

test('every toy distribution has a row', () => {
  expectRows(ROWS, Object.keys(TOY_DISTRIBUTIONS));
});

describe.each(Object.entries(ROWS) as [ToyName, ToyRow][])('%s', (name, row) => {
  const toy = TOY_DISTRIBUTIONS[name];
  const points = toy.sample(createStream(name), COUNT);
  const coordinate = (axis: number): number[] =>
    Array.from({ length: COUNT }, (_, i) => float32Data(points)[2 * i + axis] as number);

  test('gives finite points that its stream alone decides, and advances the stream', () => {
    expect(toy.name).toBe(name);
    expect(points.shape).toEqual([COUNT, 2]);
    expect(nonFinite(points)).toEqual([]);
    const stream = createStream(name);
    expectSameBits(toy.sample(stream, COUNT), points);
    expect(stream.state().count).toBeGreaterThan(0);
    expect(toy.sample(stream, COUNT).data).not.toEqual(points.data);
    expect(toy.sample(stream, 0).shape).toEqual([0, 2]);
  });

  test('lies where it should', () => {
    const [xs, ys] = [coordinate(0), coordinate(1)];
    expect(Math.max(...xs.map((x, i) => Math.hypot(x, ys[i] as number)))).toBeLessThanOrEqual(row.radius);
    const scoreOf = (values: readonly number[], expected: number): number => {
      const { mean, variance } = momentsOf(values);
      return (mean - expected) / Math.sqrt(variance / COUNT);
    };
    expectScores({ x: scoreOf(xs, row.mean[0]), y: scoreOf(ys, row.mean[1]) });
  });

  test('has the facts that others rely on', () => {
    expect(toy.modes?.centres.length).toBe(row.modes);
    expect(toy.logDensity !== undefined).toBe(row.hasDensity);
    const dataset = toyDataset(name, createStream(name), 10);
    expect([dataset.name, dataset.size, dataset.itemShape]).toEqual([name, 10, [2]]);
  });
});

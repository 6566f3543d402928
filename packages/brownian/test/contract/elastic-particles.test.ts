import { type NDArray, type Tensor, grad, ndarray } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { elasticEnergy } from '../../src/potentials/elastic.ts';
import { type ElasticForceOptions, elasticForces, elasticParticles } from '../../src/samplers/elastic-particles.ts';
import { SOLVERS, type SolverName } from '../../src/solvers/tableaux.ts';
import { expectSentence, messageOf } from '../support/rows.ts';
import { numbersOf } from '../support/trees.ts';

const runtime = nodeRuntime({ threads: 2 });
const exact = createRuntime(interpreterBackend());
afterAll(async () => {
  await runtime.dispose();
  await exact.dispose();
});
afterEach(() => {
  if (runtime.openSessions > 0) throw new Error(`A test left ${runtime.openSessions} sessions open.`);
});

const draw = (seed: string, ...shape: number[]): NDArray => createStream(seed).normal(shape);

/** Eq. 24 with the scaled kernel, pair by pair in double precision. */
function direct(points: NDArray, data: NDArray, particles: NDArray, options: ElasticForceOptions): number[] {
  const { kernel, attraction = 1, repulsion = 1 } = options;
  const d = points.shape[1] as number;
  const row = (x: NDArray, i: number): number[] => numbersOf(x).slice(i * d, (i + 1) * d);
  const push = (x: readonly number[], others: NDArray): number[] => {
    const sum = Array<number>(d).fill(0);
    const n = others.shape[0] as number;
    for (let j = 0; j < n; j++) {
      const difference = row(others, j).map((y, k) => (x[k] as number) - y);
      const r = Math.max(Math.hypot(...difference), kernel.cutoff);
      const weight = ((kernel.dimension - 1) / kernel.cutoff ** 2) * (kernel.cutoff / r) ** (kernel.dimension + 1);
      difference.forEach((v, k) => (sum[k] = (sum[k] as number) + (weight * v) / n));
    }
    return sum;
  };
  return Array.from({ length: points.shape[0] as number }, (_, i) => {
    const x = row(points, i);
    const [from, to] = [push(x, particles), push(x, data)];
    return from.map((v, k) => repulsion * v - attraction * (to[k] as number));
  }).flat();
}

async function forcesAt(points: NDArray, data: NDArray, particles: NDArray, options: ElasticForceOptions) {
  const forces = elasticForces(runtime, options);
  const found = numbersOf(await forces.at(points, data, particles));
  await forces.dispose();
  return found;
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((v, i) => Math.abs(v - (b[i] as number))));
}

describe('the forces', () => {
  test.each([
    ['of the plane', 2, { dimension: 2, cutoff: 0.1 }, {}],
    ['with mobilities of 100 : 50', 2, { dimension: 2, cutoff: 0.1 }, { attraction: 100, repulsion: 50 }],
    ['without repulsion', 2, { dimension: 3, cutoff: 0.5 }, { repulsion: 0 }],
    ['of long vectors', 40, { dimension: 2.5, cutoff: 1 }, { attraction: 2 }],
  ] as const)('%s are those of Eq. 24, pair by pair', async (_, d, kernel, mobilities) => {
    const [x, y, z] = [draw('x', 7, d), draw('y', 9, d), draw('z', 5, d)];
    const options = { kernel, ...mobilities };
    const expected = direct(x, y, z, options);
    const size = Math.max(...expected.map(Math.abs));
    // Sums of a few float64 of about the size of the largest.
    expect(largestDifference(await forcesAt(x, y, z, options), expected) / size).toBeLessThan(1e-13);
  });

  test.each([
    [2, 4],
    [2, 30],
    [16, 4],
    [16, 30],
  ])(
    'of kernel d = %s on 16 numbers far from 0, |x| = %s, just outside the cut-off, are exact',
    async (dimension, length) => {
      // Data 1.2 m from the particles: squared distances are 6e4 times smaller than |x|² and what decides the weights.
      const kernel = { dimension, cutoff: 0.1 };
      const row = (seed: string, norm: number): number[] => {
        const values = numbersOf(draw(seed, 16));
        return values.map((value) => (value * norm) / Math.hypot(...values));
      };
      const centre = row('centre', length);
      const around = (seed: string, norm: number): NDArray => {
        const rows = [0, 1, 2, 3, 4].map((i) => row(`${seed} ${i}`, norm).map((v, k) => v + (centre[k] as number)));
        return ndarray(Float32Array.from(rows.flat()), [5, 16]);
      };
      const [x, y] = [around('x', 0.01), around('y', 0.12)];
      const expected = direct(x, y, x, { kernel });
      const size = Math.max(...expected.map(Math.abs));
      // |x|² is 9e4 m² at most, so that float64 leaves r² with 2e-11; its (d+1)/2-th power with ten times that.
      expect(largestDifference(await forcesAt(x, y, x, { kernel }), expected) / size).toBeLessThan(2e-10);
    },
  );

  test('of particles on each other are not hidden by their own, be they as small as the kernel has them', async () => {
    // Weights of the others are (m/r)^17 of their own: 1e-17 and less.
    const [x, y, kernel] = [draw('x', 6, 16), draw('y', 8, 16), { dimension: 16, cutoff: 0.1 }];
    const expected = direct(x, y, x, { kernel });
    const size = Math.max(...expected.map(Math.abs));
    expect(size).toBeLessThan(1e-15);
    expect(largestDifference(await forcesAt(x, y, x, { kernel }), expected) / size).toBeLessThan(1e-12);
  });

  test('at mobilities 1 are −n/2 times the gradient of the elastic energy', async () => {
    const [x, y, kernel] = [draw('x', 6, 2), draw('y', 8, 2), { dimension: 2, cutoff: 0.3 }];
    const slope = exact.compile((a: Tensor, b: Tensor) => grad((p: Tensor) => elasticEnergy(p, b, kernel))(a));
    const expected = numbersOf(await slope(x, y)).map((v) => -3 * v);
    await slope.dispose();
    // Float64 both, of numbers of size 1.
    expect(largestDifference(await forcesAt(x, y, x, { kernel }), expected)).toBeLessThan(1e-13);
  });

  test('of sets of several blocks are the same as of their parts', async () => {
    const [x, y, kernel] = [draw('many', 1203, 2), draw('data', 1100, 2), { dimension: 2, cutoff: 0.1 }];
    const whole = await forcesAt(x, y, x, { kernel });
    const few = ndarray((x.data as Float32Array).subarray(2398, 2406), [4, 2]);
    const part = await forcesAt(few, y, x, { kernel });
    // The sums are split otherwise, and a particle's own weight of 100 is among those of the part.
    expect(largestDifference(whole.slice(2398, 2406), part)).toBeLessThan(1e-13);
  });

  test('particles that are the data feel none', async () => {
    const x = draw('x', 50, 2);
    const still = await forcesAt(x, x, x, { kernel: { dimension: 2, cutoff: 0.1 } });
    expect(Math.max(...still.map(Math.abs))).toBe(0);
  });
});

describe('the flow', () => {
  test.each(Object.keys(SOLVERS) as SolverName[])(
    'takes one particle to one datum as r³ = r₀³ − 3t does, by %s',
    async (solver) => {
      // In the plane with m = 1 the attraction is 1/r² outside the cut-off.
      const start = ndarray(Float64Array.of(3, 4), [1, 2]);
      const options = { kernel: { dimension: 2, cutoff: 1 }, repulsion: 0, end: 20, solver, rtol: 1e-5, atol: 1e-5 };
      const { x, accepted } = await elasticParticles(runtime, start, ndarray([0, 0], [1, 2]), options);
      const r = Math.cbrt(125 - 60);
      // A step adds at most the tolerance times 1 + r with r ≤ 5, and the flow enlarges an error at most (r₀/r)² = 1.55 times.
      const bound = accepted * 1e-5 * 6 * 1.55;
      expect(bound).toBeLessThan(0.05);
      expect(largestDifference(numbersOf(x), [0.6 * r, 0.8 * r])).toBeLessThan(bound);
    },
  );

  test('is the same every time, and takes steps of .1 as the paper does', async () => {
    const options = { kernel: { dimension: 2, cutoff: 0.5 }, end: 1, solver: 'euler', stepSize: 0.1 } as const;
    const [one, again] = await Promise.all(
      [1, 2].map(() => elasticParticles(runtime, draw('x', 5, 2), draw('y', 6, 2), options)),
    );
    expect(one?.accepted).toBe(10);
    expect(again?.x).toEqual(one?.x);
  });
});

test('what cannot be is refused in a sentence', async () => {
  const [x, kernel] = [draw('x', 3, 2), { dimension: 2, cutoff: 0.1 }];
  expectSentence(await messageOf(() => elasticForces(runtime, { kernel, attraction: -1 })), 'attraction', 'got -1');
  expectSentence(await messageOf(() => elasticForces(runtime, { kernel, repulsion: Infinity })), 'repulsion');
  expectSentence(await messageOf(() => elasticForces(runtime, { kernel: { dimension: 2, cutoff: 0 } })), 'cut-off');
  const run = (): unknown => elasticParticles(runtime, x, draw('y', 3, 3), { kernel, end: 1 });
  expectSentence(await messageOf(run), '[3, 2]', '[3, 3]');
});

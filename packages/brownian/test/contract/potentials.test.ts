import { type NDArray, type Tensor, constant, ndarray, sizeOf } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import type { Potential, SymbolicParams } from '../../src/interfaces.ts';
import { ACTIVATIONS } from '../../src/nets/activations.ts';
import { gaborBank } from '../../src/nets/gabor.ts';
import { conv, dense, pointwise } from '../../src/nets/layers.ts';
import { chain } from '../../src/nets/net.ts';
import { wideResNet } from '../../src/nets/wide-resnet.ts';
import { descriptor } from '../../src/potentials/descriptor.ts';
import { scalarPotential } from '../../src/potentials/scalar.ts';
import { force } from '../../src/samplers/langevin.ts';
import { expectRows, implementations } from '../support/rows.ts';
import { differences, expectSameBits, nonFinite, numbersOf, widened } from '../support/trees.ts';

interface PotentialCase {
  readonly label: string;
  readonly potential: Potential;
  readonly itemShape: readonly number[];
  /** Length of `responses`; absent for a potential without filters. */
  readonly filters?: number;
  /** Whether fresh parameters are all zero, so that no key changes them. */
  readonly startsAtZero?: boolean;
}

const PARTICLES = 4;
const silu = pointwise(ACTIVATIONS.silu);
const IMAGE = [2, 6, 6] as const;
const convs = chain(conv({ channels: 3, kernel: 5, stride: 2 }), silu, conv({ channels: 4, kernel: 3 }), silu);

/** By file of `src/potentials`. */
const ROWS: Readonly<Record<string, readonly PotentialCase[]>> = {
  descriptor: [
    { label: 'descriptor of convolutions', potential: descriptor(convs(IMAGE)), itemShape: IMAGE, filters: 4 },
    {
      label: 'descriptor with a gain',
      potential: descriptor(convs(IMAGE), { gain: 20 }),
      itemShape: IMAGE,
      filters: 4,
    },
    {
      label: 'descriptor with weights per channel',
      potential: descriptor(convs(IMAGE), { theta: 'channel' }),
      itemShape: IMAGE,
      filters: 4,
    },
    {
      label: 'descriptor of fixed filters',
      potential: descriptor(gaborBank({ wavelengths: [4], orientations: 2, spots: [1] })(IMAGE), { start: 'zero' }),
      itemShape: IMAGE,
      filters: 10,
      startsAtZero: true,
    },
    {
      label: 'descriptor of points',
      potential: descriptor(chain(dense(5), silu, dense(3), silu)([2])),
      itemShape: [2],
      filters: 3,
    },
  ],
  scalar: [
    {
      label: 'scalar potential of images',
      potential: scalarPotential(wideResNet({ widths: [3, 4], blocks: 1 }), IMAGE),
      itemShape: IMAGE,
    },
    {
      label: 'scalar potential of points',
      potential: scalarPotential(chain(dense(5), silu, dense(1)), [2]),
      itemShape: [2],
    },
  ],
};

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

test('every file of src/potentials has a row', () => {
  // The elastic kernel is a function of pairs; the golden values and the contract of metrics test it.
  expectRows(ROWS, implementations('potentials', ['elastic']));
});

test('the gain of a descriptor multiplies Φ', async () => {
  const [plain, raised] = [1, 20].map((gain) => descriptor(convs(IMAGE), { gain }));
  const x = createStream('gain').normal([3, ...IMAGE]);
  const params = (plain as Potential).init(createStream(1));
  const both = runtime.compile((p: SymbolicParams, particles: Tensor): Tensor[] =>
    [plain, raised].map((potential) => (potential as Potential).apply(p, particles)),
  );
  const [one, twenty] = (await both(params, x)).map(numbersOf) as [number[], number[]];
  // One product in double precision.
  one.forEach((value, i) => expect(twenty[i]).toBeCloseTo(20 * value, 12));
});

test('a weight of 1 for a label makes a conditional descriptor what it is for that label, halves the mean of two', async () => {
  const potential = descriptor(convs(IMAGE), { classes: 3, gain: 2 });
  const x = createStream('labels').normal([3, ...IMAGE]);
  const weights = ndarray([0, 0, 1, 1, 0, 0, 0.5, 0.5, 0], [3, 3]);
  const compute = runtime.compile((p: SymbolicParams, particles: Tensor, w: Tensor): Tensor[] => [
    potential.blend?.(p, particles, w) as Tensor,
    ...[0, 1, 2].map((label) => {
      const labels: NDArray = { dtype: 'int32', shape: [3], data: Int32Array.of(label, label, label) };
      return potential.apply(p, particles, constant(labels));
    }),
  ]);
  const found = (await compute(potential.init(createStream(1)), x, weights)).map(numbersOf);
  const [blended, zero, one, two] = found as [number[], number[], number[], number[]];
  const expected = [two[0], zero[1], ((zero[2] as number) + (one[2] as number)) / 2] as number[];
  expected.forEach((value, i) => expect(blended[i]).toBeCloseTo(value, 12));
  expect(descriptor(convs(IMAGE), {}).blend).toBeUndefined();
});

const CASES = Object.values(ROWS).flatMap((cases) => cases.map((item) => [item.label, item] as const));

describe.each(CASES)('%s', (label, { potential, itemShape, filters, startsAtZero = false }) => {
  const x = widened(createStream(label).normal([PARTICLES, ...itemShape]));
  // Parameters that start at zero would make every test of Φ a test of 0 = 0.
  const fresh = potential.init(createStream(1));
  const params = widened(startsAtZero ? randomLike(fresh) : fresh);
  const phi = runtime.compile((p: SymbolicParams, particles: Tensor) => potential.apply(p, particles));
  const forces = runtime.compile((p: SymbolicParams, particles: Tensor) => force(potential, p, particles));

  test('fresh parameters are finite, and their key alone decides them', () => {
    expect(nonFinite(fresh)).toEqual([]);
    expectSameBits(potential.init(createStream(1)), fresh);
    const key = createStream(1);
    key.next();
    expectSameBits(potential.init(key), fresh);
    expect(differences(potential.init(createStream(2)), fresh).length > 0).toBe(!startsAtZero);
  });

  test('gives one number per particle', async () => {
    const values = await phi(params, x);
    expect(values.shape).toEqual([PARTICLES]);
    expect(nonFinite(values)).toEqual([]);
    expect(new Set(numbersOf(values)).size, 'Φ depends on the particle').toBe(PARTICLES);
  });

  test('gives each particle of a batch what it gives the particle alone', async () => {
    const together = numbersOf(await phi(params, x));
    const size = sizeOf(itemShape);
    for (let i = 0; i < PARTICLES; i++) {
      const alone = ndarray((x.data as Float64Array).slice(i * size, (i + 1) * size), [1, ...itemShape]);
      const [value] = numbersOf(await phi(params, alone)) as [number];
      // Sums may run in another order; Φ is a sum of some hundred terms of size 1 to 20, in double precision.
      expect(Math.abs(value - (together[i] as number))).toBeLessThan(1e-12);
    }
  });

  test('its force is the slope of Φ, by central differences', async () => {
    const found = (await forces(params, x)).data as Float64Array;
    const step = 1e-5;
    const probes = [0, 1, sizeOf(itemShape) * 2, x.data.length - 1];
    for (const at of probes) {
      const [up, down] = [await phi(params, moved(x, at, step)), await phi(params, moved(x, at, -step))];
      const slope =
        numbersOf(up).reduce((sum, value, i) => sum + value - (numbersOf(down)[i] as number), 0) / (2 * step);
      // Rounding of Φ over the step, 1e-15/1e-5, and its third derivative times the step's square, are below 1e-8.
      expect(Math.abs((found[at] as number) - slope)).toBeLessThan(1e-8);
    }
  });

  test('gives the mean response of each filter', async () => {
    const { responses } = potential;
    expect(responses === undefined).toBe(filters === undefined);
    if (responses === undefined || filters === undefined) return;
    const compiled = runtime.compile((p: SymbolicParams, particles: Tensor) => responses(p, particles));
    const values = await compiled(params, x);
    expect(values.shape).toEqual([filters]);
    expect(nonFinite(values)).toEqual([]);
  });
});

function randomLike(tree: ReturnType<Potential['init']>): ReturnType<Potential['init']> {
  const { theta, ...rest } = tree as { theta: NDArray };
  return { theta: createStream('weights').normal(theta.shape), ...rest };
}

/** `x` with one value changed by `by`. */
function moved(x: NDArray, at: number, by: number): NDArray {
  const data = Float64Array.from(x.data as Float64Array);
  data[at] = (data[at] as number) + by;
  return ndarray(data, x.shape);
}

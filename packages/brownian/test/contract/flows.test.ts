import {
  type NDArray,
  type Tensor,
  flatten,
  grad,
  jvp,
  mapTree,
  ndarray,
  stopGradient,
  unflatten,
} from '@brownian/graph';
import { type Compiled, createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type ContrastOptions,
  type Flow,
  type FlowPoint,
  directionalSpeed,
  squaredSpeed,
} from '../../src/flows/flow.ts';
import { implicitJko } from '../../src/flows/implicit-jko.ts';
import { jko } from '../../src/flows/jko.ts';
import { kl } from '../../src/flows/kl.ts';
import type { Params, Potential, SymbolicParams } from '../../src/interfaces.ts';
import { ACTIVATIONS } from '../../src/nets/activations.ts';
import { gaborBank } from '../../src/nets/gabor.ts';
import { conv, pointwise } from '../../src/nets/layers.ts';
import { chain } from '../../src/nets/net.ts';
import { descriptor } from '../../src/potentials/descriptor.ts';
import { LANGEVIN_DEFAULTS, force, langevinStep } from '../../src/samplers/langevin.ts';
import { linear, smoothPotential } from '../support/potentials.ts';
import { expectRows, implementations } from '../support/rows.ts';
import { expectSameBits, nonFinite, numbersOf, typesOf, widened } from '../support/trees.ts';

/** h²/2 of a sampler with large steps, so that speed weighs as much as the contrast. */
const SPEED_SCALE = 0.3;
const BETA = 7;

interface FlowRow {
  make(options: ContrastOptions): Flow;
  /** Names of its metrics, all of them scalars. */
  readonly metrics: readonly string[];
}

/** By file of `src/flows`. */
const ROWS: Readonly<Record<string, FlowRow>> = {
  kl: { make: kl, metrics: ['loss', 'potentialData', 'potentialParticles'] },
  jko: {
    make: (options) => jko({ beta: BETA, speedScale: SPEED_SCALE, ...options }),
    metrics: ['loss', 'potentialData', 'potentialParticles', 'previousSpeed', 'speed'],
  },
  // At λ = 0 the implicit step is the explicit one, whose gradient is the slope of the loss; its own tests are in implicit-jko.test.ts.
  'implicit-jko': {
    make: (options) =>
      implicitJko({
        beta: BETA,
        speedScale: SPEED_SCALE,
        learningRate: 0,
        response: 1,
        memory: 0,
        solverSteps: 1,
        ...options,
      }),
    metrics: ['loss', 'potentialData', 'potentialParticles', 'previousSpeed', 'speed'],
  },
};

type Point = { readonly [K in keyof FlowPoint]: NDArray };
type Arguments = [params: SymbolicParams, at: { data: Tensor; particles: Tensor; previous: Tensor; gamma: Tensor }];
interface Result {
  readonly gradients: SymbolicParams;
  readonly metrics: Record<string, Tensor>;
}

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

function compiled(flow: Flow, potential: Potential): Compiled<Arguments, Result> {
  return runtime.compile((params: SymbolicParams, at: Arguments[1]): Result => {
    const { gradients, metrics } = flow.gradients(potential, params, at);
    return { gradients, metrics: { ...metrics } };
  });
}

/** Batches of different sizes, as data and particles may have. */
function pointOf(itemShape: readonly number[], gamma = 0.3): Point {
  const draw = createStream('point');
  const [data, particles, previous] = [3, 4, 4].map((n) => draw.normal([n, ...itemShape])) as [
    NDArray,
    NDArray,
    NDArray,
  ];
  return { data, particles, previous, gamma: ndarray(Float64Array.of(gamma), []) };
}

/** The values of all gradients, in the order of the tree's leaves. */
function valuesOf(tree: unknown): number[] {
  return flatten<NDArray>(tree).leaves.flatMap(numbersOf);
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] as number))));
}

const silu = pointwise(ACTIVATIONS.silu);
const POTENTIALS = {
  'an MLP': { potential: smoothPotential(), itemShape: [2] },
  convolutions: {
    potential: descriptor(chain(conv({ channels: 2, kernel: 3, stride: 2 }), silu)([1, 4, 4])),
    itemShape: [1, 4, 4],
  },
} as const;

/** Slopes of the flow's own loss along each parameter. */
async function slopesOf(run: Compiled<Arguments, Result>, params: Params, at: Point): Promise<number[]> {
  const step = 1e-5;
  const { leaves, structure } = flatten<NDArray>(params);
  const lossAt = async (leaf: number, i: number, by: number): Promise<number> => {
    const changed = leaves.map(({ shape, data }, l) => {
      const values = Float64Array.from(data as Float64Array);
      if (l === leaf) values[i] = (values[i] as number) + by;
      return ndarray(values, shape);
    });
    const { metrics } = await run(unflatten<Params>(structure, changed), at);
    return Number(metrics['loss']?.data[0]);
  };
  const slopes: number[] = [];
  for (const [leaf, { data }] of leaves.entries()) {
    for (let i = 0; i < data.length; i++)
      slopes.push(((await lossAt(leaf, i, step)) - (await lossAt(leaf, i, -step))) / (2 * step));
  }
  return slopes;
}

test('every file of src/flows has a row', () => {
  // VAPO's loss takes clocks and no particles, and flows of generators two networks: test/vapo.test.ts and
  // adversarial-flows.test.ts have their contracts.
  expectRows(ROWS, implementations('flows', ['flow', 'homotopy', 'poisson', 'adversarial']));
});

const CASES = Object.entries(ROWS).flatMap(([name, row]) =>
  Object.entries(POTENTIALS).map(([filters, { potential, itemShape }]) => ({
    title: `${name} with ${filters}`,
    row,
    potential,
    itemShape,
  })),
);

describe.each(CASES.map((item) => [item.title, item] as const))('%s', (_, { row, potential, itemShape }) => {
  const params = widened(potential.init(createStream('params')));
  const at = pointOf(itemShape);

  test('gives gradients of the structure of the parameters, and its metrics as scalars', async () => {
    const { gradients, metrics } = await compiled(row.make({}), potential)(params, at);
    expect(typesOf(gradients)).toEqual(typesOf(params));
    expect(nonFinite(gradients)).toEqual([]);
    expect(Object.keys(metrics).toSorted()).toEqual(row.metrics);
    expect(Object.values(metrics).map((metric) => metric.shape)).toEqual(row.metrics.map(() => []));
  });

  test.each([0, 0.1])('its gradients are the slopes of its loss, with mean Φ² weighted by %d', async (energyL2) => {
    const run = compiled(row.make({ energyL2 }), potential);
    const gradients = valuesOf((await run(params, at)).gradients);
    const slopes = await slopesOf(run, params, at);
    // Losses of size 1 in double precision over steps of 1e-5 are good to 1e-10, and the step's square to about as much.
    expect(largestDifference(gradients, slopes)).toBeLessThan(1e-8);
    expect(Math.max(...gradients.map(Math.abs)), 'the point is not stationary').toBeGreaterThan(1e-3);
  });
});

test('kl of Φ = θ·x is the mean particle minus the mean datum: its descent is maximum likelihood', async () => {
  const at = { ...pointOf([2]), data: ndarray([1, 10, 3, 30], [2, 2]), particles: ndarray([5, 0, 5, 0], [2, 2]) };
  const { gradients } = await compiled(kl(), linear([2]))({ theta: ndarray([0, 0]) }, at);
  expect(valuesOf(gradients)).toEqual([5 - 2, 0 - 20]);
});

test('energyL2 weighs mean Φ² over the data plus mean Φ² over the particles', async () => {
  const at = { ...pointOf([1]), data: ndarray([1, 3], [2, 1]), particles: ndarray([2, 4, 6], [3, 1]) };
  const { metrics } = await compiled(kl({ energyL2: 0.5 }), linear([1]))({ theta: ndarray([1]) }, at);
  // Φ = x: 4 − 2, and half of (1 + 9)/2 + (4 + 16 + 36)/3; rounding in double precision.
  expect(Number(metrics['loss']?.data[0])).toBeCloseTo(2 + 0.5 * (5 + 56 / 3), 13);
});

describe.each(Object.entries(POTENTIALS))('the JKO flow with %s', (_, { potential, itemShape }) => {
  const params = widened(potential.init(createStream('params')));
  const at = pointOf(itemShape);
  const gradientsOf = async (flow: Flow, point: Point = at): Promise<number[]> =>
    valuesOf((await compiled(flow, potential)(params, point)).gradients);
  const penalised = jko({ beta: BETA, speedScale: SPEED_SCALE });

  test('is the KL flow at β = 0, bit for bit', async () => {
    const options = { energyL2: 0.1 };
    const [plain, zero] = [kl(options), jko({ beta: 0, speedScale: SPEED_SCALE, ...options })].map((flow) =>
      compiled(flow, potential)(params, at),
    );
    expectSameBits((await zero)?.gradients, (await plain)?.gradients);
  });

  test('adds β/2 [(1 − γ) speed at the previous particles + γ speed at the current ones] to the loss of the KL flow', async () => {
    const plain = await compiled(kl(), potential)(params, at);
    const { metrics } = await compiled(penalised, potential)(params, at);
    const [before, now] = [metrics['previousSpeed'], metrics['speed']].map((metric) => Number(metric?.data[0]));
    const penalty = (BETA / 2) * (0.7 * (before as number) + 0.3 * (now as number));
    // A few operations in double precision on numbers of size 1.
    expect(Number(metrics['loss']?.data[0]) - Number(plain.metrics['loss']?.data[0])).toBeCloseTo(penalty, 12);
  });

  test('has a penalty whose gradient is not zero, and is linear in β', async () => {
    const [plain, whole] = [await gradientsOf(kl()), await gradientsOf(penalised)];
    const twice = await gradientsOf(jko({ beta: 2 * BETA, speedScale: SPEED_SCALE }));
    const penalty = whole.map((value, i) => value - (plain[i] as number));
    expect(Math.hypot(...penalty)).toBeGreaterThan(0.01 * Math.hypot(...plain));
    const doubled = twice.map((value, i) => value - (plain[i] as number));
    // Linear in β: rounding alone in double precision.
    expect(
      largestDifference(
        doubled,
        penalty.map((value) => 2 * value),
      ),
    ).toBeLessThan(1e-12);
  });

  test('by double differentiation is the directional form 2 ∇θ(g·∇ₓΦ) with g = ∇ₓΦ held constant', async () => {
    const speedGradient = runtime.compile((p: SymbolicParams, x: Tensor) =>
      grad((q: SymbolicParams) => squaredSpeed(potential, q, x, SPEED_SCALE))(p),
    );
    const directional = runtime.compile((p: SymbolicParams, x: Tensor) => {
      const g = stopGradient(force(potential, p, x));
      const along = grad((q: SymbolicParams) => force(potential, q, x).mul(g).sum())(p);
      return mapTree<Tensor, Tensor, SymbolicParams>(
        (leaf) => leaf.mul((2 * SPEED_SCALE ** 2) / (x.shape[0] as number)),
        along,
      );
    });
    const [double, single] = [
      valuesOf(await speedGradient(params, at.particles)),
      valuesOf(await directional(params, at.particles)),
    ];
    // The same derivative in double precision: METHODS asks for 1e-4 in single.
    expect(largestDifference(double, single)).toBeLessThan(1e-12);
  });

  test.each([
    [0, 'previous'],
    [1, 'particles'],
  ] as const)('at γ = %d charges for the speed at the %s alone', async (gamma, charged) => {
    const other = charged === 'previous' ? 'particles' : 'previous';
    const point = pointOf(itemShape, gamma);
    const penaltyAt = async (where: Point): Promise<number[]> => {
      const [plain, whole] = [await gradientsOf(kl(), where), await gradientsOf(penalised, where)];
      return whole.map((value, i) => value - (plain[i] as number));
    };
    const [penalty, same, changed] = [
      await penaltyAt(point),
      await penaltyAt({ ...point, [other]: point.data }),
      await penaltyAt({ ...point, [charged]: point.data }),
    ];
    // Differences of gradients of size 1 to 10 in double precision.
    expect(largestDifference(same, penalty)).toBeLessThan(1e-12);
    expect(largestDifference(changed, penalty)).toBeGreaterThan(1e-3);
  });

  test('measures speed in the sampler’s units: the squared displacement of one step without noise and reference', async () => {
    const options = { ...LANGEVIN_DEFAULTS, delta: 0.5, sigma: 2, reference: false, temperature: 0 };
    const displacement = runtime.compile((p: SymbolicParams, x: Tensor) => {
      const moved = langevinStep(potential, options, p, x, x.mul(0)).x.sub(x);
      return moved
        .square()
        .sum()
        .mul(1 / (x.shape[0] as number));
    });
    const h = options.delta * options.sigma;
    const { metrics } = await compiled(jko({ beta: 1, speedScale: (h * h) / 2 }), potential)(params, at);
    const squared = Number((await displacement(params, at.particles)).data[0]);
    // The displacement is a difference of numbers of size 1, good to 1e-16, over its own size of about 1e-2.
    expect(Math.abs(Number(metrics['speed']?.data[0]) / squared - 1)).toBeLessThan(1e-12);
  });
});

describe('the two ways to differentiate the penalty', () => {
  const gabor = gaborBank({ wavelengths: [4], orientations: 2, spots: [1] });
  const banks = {
    ...POTENTIALS,
    'fixed filters, per position': { potential: descriptor(gabor([1, 6, 6])), itemShape: [1, 6, 6] },
    'fixed filters, per channel': {
      potential: descriptor(gabor([2, 6, 6]), { theta: 'channel' }),
      itemShape: [2, 6, 6],
    },
  } as const;

  test.each(Object.entries(banks))('are equal in value and gradient: %s', async (_, { potential, itemShape }) => {
    const params = widened(potential.init(createStream('params')));
    const x = createStream('particles').normal([4, ...itemShape]);
    const both = runtime.compile((p: SymbolicParams, at: Tensor) =>
      [squaredSpeed, directionalSpeed].map((speed) => ({
        value: speed(potential, p, at, 0.3),
        gradient: grad((q: SymbolicParams) => speed(potential, q, at, 0.3))(p),
      })),
    );
    type Found = { readonly value: NDArray; readonly gradient: Params };
    const [doubled, directional] = (await both(params, x)) as unknown as [Found, Found];
    expect(largestDifference(numbersOf(directional.value), numbersOf(doubled.value))).toBeLessThan(1e-12);
    const [a, b] = [valuesOf(directional.gradient), valuesOf(doubled.gradient)];
    const size = Math.max(...b.map(Math.abs));
    expect(size).toBeGreaterThan(0);
    // Double precision; the bound that METHODS section 1 asks for is 1e-4.
    expect(largestDifference(a, b) / size).toBeLessThan(1e-12);
  });

  test('of fixed filters are twice the directional derivative of the filters along ∇ₓΦ', async () => {
    const [itemShape, scale, n] = [[1, 6, 6], 0.3, 4] as const;
    const net = gabor(itemShape);
    const potential = descriptor(net);
    const theta = widened(createStream('theta').normal(net.outputShape));
    const x = createStream('particles').normal([n, ...itemShape]);
    const measure = runtime.compile((weights: Tensor, at: Tensor) => {
      const params = { theta: weights, features: [] };
      const g = force(potential, params, at);
      const [, along] = jvp((z: Tensor) => net.apply([], z), at, g);
      return {
        direct: along.sum(0).mul((2 * scale * scale) / n),
        found: (grad((p: SymbolicParams) => directionalSpeed(potential, p, at, scale))(params) as { theta: Tensor })
          .theta,
      };
    });
    const { direct, found } = await measure(theta, x);
    expect(largestDifference(numbersOf(found), numbersOf(direct))).toBeLessThan(1e-12);
  });

  test('give one flow', async () => {
    const { potential, itemShape } = POTENTIALS.convolutions;
    const params = widened(potential.init(createStream('params')));
    const at = pointOf(itemShape);
    const [one, other] = await Promise.all(
      (['double-backprop', 'directional'] as const).map((penalty) =>
        compiled(jko({ beta: BETA, speedScale: SPEED_SCALE, penalty }), potential)(params, at),
      ),
    );
    expect(largestDifference(valuesOf(one?.gradients), valuesOf(other?.gradients))).toBeLessThan(1e-12);
    expect(Number(one?.metrics['loss']?.data[0])).toBeCloseTo(Number(other?.metrics['loss']?.data[0]), 12);
  });
});

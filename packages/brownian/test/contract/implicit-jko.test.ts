import { type NDArray, type Tensor, flatten, grad, ndarray } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import type { Flow } from '../../src/flows/flow.ts';
import { implicitJko } from '../../src/flows/implicit-jko.ts';
import { type JkoOptions, jko, speedPenalty, stableBeta } from '../../src/flows/jko.ts';
import type { Params, SymbolicParams } from '../../src/interfaces.ts';
import { MODELS, createLearner } from '../../src/learners/presets.ts';
import { gaborBank } from '../../src/nets/gabor.ts';
import { descriptor } from '../../src/potentials/descriptor.ts';
import { LANGEVIN_DEFAULTS, chainMemory, driftResponse, driftScale, langevin } from '../../src/samplers/langevin.ts';
import { linear } from '../support/potentials.ts';
import { numbersOf, widened } from '../support/trees.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

const ITEM = [1, 6, 6] as const;
const bank = gaborBank({ wavelengths: [4], orientations: 2, spots: [1] });
const potential = descriptor(bank(ITEM), { theta: 'channel' });
const OPTIONS: JkoOptions = { beta: 7, speedScale: 0.3 };
const [RESPONSE, MEMORY] = [0.5, 0.6];
type At = { data: Tensor; particles: Tensor; previous: Tensor; gamma: Tensor };

const draw = createStream('point');
const at = {
  data: draw.normal([3, ...ITEM]),
  particles: draw.normal([4, ...ITEM]),
  previous: draw.normal([4, ...ITEM]),
  gamma: ndarray(Float64Array.of(0.3), []),
};
const fresh = potential.init(createStream('params')) as unknown as { theta: NDArray };
const params: Params = widened({ ...fresh, theta: createStream('theta').normal(fresh.theta.shape) });
const size = fresh.theta.data.length;

async function gradientOf(flow: Flow, given: Params = params): Promise<number[]> {
  const run = runtime.compile((p: SymbolicParams, point: At) => flow.gradients(potential, p, point).gradients);
  return flatten<NDArray>(await run(given, at)).leaves.flatMap(numbersOf);
}

/** Av: the gradient of the penalty, a quadratic in θ, at the parameters v. */
async function curvature(v: readonly number[], options = OPTIONS): Promise<number[]> {
  const run = runtime.compile((p: SymbolicParams, point: At) =>
    grad((q: SymbolicParams) => speedPenalty(potential, q, point, options).loss)(p),
  );
  const theta = ndarray(Float64Array.from(v), fresh.theta.shape);
  return flatten<NDArray>(await run({ theta, features: [] }, at)).leaves.flatMap(numbersOf);
}

describe('the implicit JKO flow of fixed filters', () => {
  test('solves (I + λA) G = the explicit gradient, with more solver steps than there are parameters', async () => {
    const learningRate = 2;
    const explicit = await gradientOf(jko(OPTIONS));
    const solved = await gradientOf(
      implicitJko({ ...OPTIONS, learningRate, response: RESPONSE, memory: MEMORY, solverSteps: 3 * size }),
    );
    const half = (OPTIONS.beta + RESPONSE / (1 + MEMORY) / OPTIONS.speedScale ** 2) / 2;
    const applied = await curvature(solved, { ...OPTIONS, beta: half });
    const largest = Math.max(...explicit.map(Math.abs));
    // The penalty counts: without it the two would be equal.
    expect(Math.max(...applied.map(Math.abs)) * learningRate).toBeGreaterThan(0.05 * largest);
    // In exact arithmetic conjugate gradients end after as many steps as unknowns; rounding makes them take a few more.
    explicit.forEach((value, i) =>
      expect(Math.abs((solved[i] as number) + learningRate * (applied[i] as number) - value) / largest).toBeLessThan(
        1e-8,
      ),
    );
  });

  test('never lengthens a step, and stays bounded where explicit steps grow without bound', async () => {
    const options = { ...OPTIONS, beta: 1e5 };
    const learningRate = 1;
    const grow = async (flow: Flow, steps: number): Promise<number> => {
      let theta = Float64Array.from({ length: size }, () => 1);
      for (let step = 0; step < steps; step++) {
        const given = { theta: ndarray(Float64Array.from(theta), fresh.theta.shape), features: [] };
        const gradient = await gradientOf(flow, given);
        theta = Float64Array.from(theta, (value, i) => value - learningRate * (gradient[i] as number));
      }
      return Math.hypot(...Array.from(theta));
    };
    const start = Math.sqrt(size);
    expect(await grow(jko(options), 5)).toBeGreaterThan(1e6 * start);
    const implicit = implicitJko({ ...options, learningRate, response: 0, memory: 0, solverSteps: 3 * size });
    expect(await grow(implicit, 20)).toBeLessThan(2 * start);
  });

  /**
   * Largest size of an eigenvalue of x' = ax + kθ, θ' = θ − m(x' + pθ): particles follow θ and keep the part a of where they were, θ
   * follows them. A pair below 1 dies out.
   */
  function growth(k: number, p: number, a: number, m: number): number {
    const [trace, determinant] = [1 + a - m * (k + p), a * (1 - m * p)];
    const inner = trace ** 2 / 4 - determinant;
    return inner < 0 ? Math.sqrt(determinant) : Math.abs(trace) / 2 + Math.sqrt(inner);
  }

  test('takes the shortest step of its kind that no λ makes unstable, in the linear model it is derived from', () => {
    const factor = (k: number, p: number, a: number, share: number): number => 1 / (1 + share * (p + k / (1 + a)));
    for (const a of [0, 0.3, 0.67, 0.95]) {
      for (const k of [0.1, 1, 10, 1e4]) {
        for (const p of [0, 0.5, 5, 1e4]) expect(growth(k, p, a, factor(k, p, a, 0.5))).toBeLessThan(1);
        expect(growth(1e4, 0, a, factor(1e4, 0, a, 0.45))).toBeGreaterThan(1);
      }
    }
  });

  test('has the sampler’s response from how far Langevin dynamics moves a particle', async () => {
    const steps = 20;
    const walk = async (slope: number, reference: boolean): Promise<number> => {
      const options = { ...LANGEVIN_DEFAULTS, steps, reference, temperature: 0 };
      const sampler = langevin(runtime, linear([1]), options);
      const theta = { theta: ndarray(Float64Array.of(slope), [1]) };
      const [end] = await sampler.run(
        sampler.init(theta, ndarray(Float64Array.of(0.01), [1, 1])),
        steps,
        createStream(1),
      );
      return Number(end.x.data[0]);
    };
    for (const reference of [true, false]) {
      const moved = (await walk(8, reference)) - (await walk(7, reference));
      // Differences of numbers of size 1e-2 in double precision.
      expect(Math.abs(moved / driftResponse({ ...LANGEVIN_DEFAULTS, steps, reference }) - 1)).toBeLessThan(1e-9);
    }
  });

  test('has the chains’ memory from what Langevin dynamics leaves of a displacement', async () => {
    const steps = 20;
    const walk = async (from: number, reference: boolean): Promise<number> => {
      const sampler = langevin(runtime, linear([1]), { ...LANGEVIN_DEFAULTS, steps, reference, temperature: 0 });
      const theta = { theta: ndarray(Float64Array.of(7), [1]) };
      const start = sampler.init(theta, ndarray(Float64Array.of(from), [1, 1]));
      const [end] = await sampler.run(start, steps, createStream(1));
      return Number(end.x.data[0]);
    };
    for (const reference of [true, false]) {
      const kept = (await walk(0.02, reference)) - (await walk(0.01, reference));
      const memory = chainMemory({ ...LANGEVIN_DEFAULTS, steps, reference });
      // Differences of numbers of size 1e-2 in double precision.
      expect(Math.abs(kept / 0.01 / memory - 1)).toBeLessThan(1e-9);
    }
  });

  test('is refused where its derivation does not hold: learned filters, other rules than plain sgd', () => {
    const build = (model: 'w-pgcn' | 'wgcn', change: object): unknown => {
      const options = MODELS[model].defaults([1, 8, 8]);
      const { flow, optimizer } = options;
      return createLearner(
        runtime,
        model,
        { ...options, flow: { ...flow, implicitSteps: 3 }, optimizer: { ...optimizer, ...change } },
        [1, 8, 8],
      );
    };
    expect(() => build('w-pgcn', {})).not.toThrow();
    expect(() => build('w-pgcn', { rule: 'adam' })).toThrow(/flow\.implicitSteps is 3, which needs fixed filters/);
    expect(() => build('wgcn', { rule: 'sgd', momentum: 0, schedule: 'constant' })).toThrow(/needs fixed filters/);
  });
});

describe('β for fixed filters', () => {
  test('is the preset of w-pgcn, and charges the same part of the JKO term at any step and number of steps', () => {
    expect(stableBeta(LANGEVIN_DEFAULTS)).toBe(2e5);
    expect(stableBeta(LANGEVIN_DEFAULTS, 'implicit')).toBe(6e5);
    expect(MODELS['w-pgcn'].defaults([3, 32, 32]).flow.beta).toBe(2e5);
    expect(MODELS.wgcn.defaults([1, 28, 28]).flow.beta).toBe(60);
    for (const change of [{ delta: 0.4 }, { steps: 50 }, { sigma: 0.5, reference: false }, { delta: 0.1, steps: 7 }]) {
      const langevinOptions = { ...LANGEVIN_DEFAULTS, ...change };
      const charged = stableBeta(langevinOptions) * driftScale(langevinOptions) ** 2;
      // β has two digits, so it is within 5 %.
      expect(Math.abs(charged / driftResponse(langevinOptions) / 0.024 - 1)).toBeLessThan(0.05);
    }
  });
});

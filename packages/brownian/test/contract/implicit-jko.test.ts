import { type NDArray, type Tensor, flatten, grad, ndarray } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import type { Flow } from '../../src/flows/flow.ts';
import { implicitJko } from '../../src/flows/implicit-jko.ts';
import { type JkoOptions, jko, speedPenalty } from '../../src/flows/jko.ts';
import type { Params, SymbolicParams } from '../../src/interfaces.ts';
import { MODELS, createLearner } from '../../src/learners/presets.ts';
import { gaborBank } from '../../src/nets/gabor.ts';
import { descriptor } from '../../src/potentials/descriptor.ts';
import { LANGEVIN_DEFAULTS, driftResponse, langevin } from '../../src/samplers/langevin.ts';
import { linear } from '../support/potentials.ts';
import { numbersOf, widened } from '../support/trees.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

const ITEM = [1, 6, 6] as const;
const bank = gaborBank({ wavelengths: [4], orientations: 2, spots: [1] });
const potential = descriptor(bank(ITEM), { theta: 'channel' });
const OPTIONS: JkoOptions = { beta: 7, speedScale: 0.3 };
const RESPONSE = 0.5;
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
      implicitJko({ ...OPTIONS, learningRate, response: RESPONSE, solverSteps: 3 * size }),
    );
    const applied = await curvature(solved, { ...OPTIONS, beta: OPTIONS.beta + RESPONSE / OPTIONS.speedScale ** 2 });
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
    expect(await grow(implicitJko({ ...options, learningRate, response: 0, solverSteps: 1 }), 20)).toBeLessThan(
      2 * start,
    );
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

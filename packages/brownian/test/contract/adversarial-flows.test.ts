import { type NDArray, type Tensor, grad, item, matmul, ndarray, sqrt, tanh, variance } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { elasticFlow, elasticGanFlow } from '../../src/flows/adversarial/elastic.ts';
import type { AdversarialFlow, DiscriminatorFlow, DiscriminatorPoint } from '../../src/flows/adversarial/flow.ts';
import { logisticFlow } from '../../src/flows/adversarial/logistic.ts';
import { mmdFlow } from '../../src/flows/adversarial/mmd.ts';
import { wassersteinFlow } from '../../src/flows/adversarial/wasserstein.ts';
import type { SymbolicParams } from '../../src/interfaces.ts';
import { discriminated } from '../../src/learners/adversarial-updates.ts';
import { expectRows, expectSentence, implementations, messageOf } from '../support/rows.ts';
import { numbersOf } from '../support/trees.ts';

const KERNEL = { dimension: 2, cutoff: 0.5 };

interface FlowCase {
  readonly label: string;
  readonly flow: AdversarialFlow;
  /** Scalars that describe the discriminator's loss. */
  readonly parts?: readonly string[];
}

/** By file of `src/flows/adversarial`. */
const ROWS: Readonly<Record<string, readonly FlowCase[]>> = {
  elastic: [
    { label: 'elastic', flow: elasticFlow(KERNEL) },
    ...(['elastic', 'truncated', 'gaussian'] as const).map((kernel) => ({
      label: `elastic GAN, ${kernel} stabiliser`,
      flow: elasticGanFlow(KERNEL, { kernel, cutoff: 0.8, weight: 0.5 }),
      parts: ['discrepancy', 'stability'],
    })),
  ],
  logistic: [{ label: 'logistic', flow: logisticFlow(), parts: ['scoreData', 'scoreGenerated'] }],
  mmd: [{ label: 'MMD', flow: mmdFlow({ bandwidths: [1, 2], clip: 0.01 }), parts: ['discrepancy'] }],
  wasserstein: [
    { label: 'WGAN', flow: wassersteinFlow({ constraint: 'clip', clip: 0.01 }), parts: ['distance'] },
    {
      label: 'WGAN-GP',
      flow: wassersteinFlow({ constraint: 'penalty', weight: 10 }),
      parts: ['distance', 'penalty'],
    },
  ],
};

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

const draw = createStream('adversarial flows');
const [fake, real] = [draw.normal([4, 2]), draw.normal([4, 2])];
const mix = draw.uniform([4], 0, 1);

/** A discriminator with one feature, x ↦ tanh(x·w), w `[2, 1]`. */
function critic(w: Tensor, x: Tensor): Tensor {
  return tanh(matmul(x, w));
}

function pointOf(w: Tensor, onFake: Tensor, onReal: Tensor, at: Tensor): DiscriminatorPoint {
  const evaluate = (x: Tensor): Tensor => critic(w, x);
  return {
    fake: evaluate(onFake),
    real: evaluate(onReal),
    items: { fake: onFake, real: onReal },
    discriminate: evaluate,
    mix: at,
  };
}

function lossOf(flow: DiscriminatorFlow, w: Tensor, ...items: [Tensor, Tensor, Tensor]): Tensor {
  return flow.loss(pointOf(w, ...items)).loss;
}

/** Derivative of f at x by central differences in double precision. */
async function slopes(f: (x: NDArray) => Promise<NDArray>, { data, shape }: NDArray): Promise<number[]> {
  const at = async (i: number, by: number): Promise<number> =>
    item(
      await f(
        ndarray(
          Float64Array.from(data as Float32Array, (v, k) => (k === i ? v + by : v)),
          shape,
        ),
      ),
    );
  const found: number[] = [];
  for (let i = 0; i < data.length; i++) found.push(((await at(i, 1e-5)) - (await at(i, -1e-5))) / 2e-5);
  return found;
}

test('every file of src/flows/adversarial has a row', () => {
  expectRows(ROWS, implementations('flows/adversarial', ['flow']));
});

const CASES = Object.values(ROWS).flatMap((cases) => cases.map((each) => [each.label, each] as const));

describe.each(CASES)('%s', (_, { flow, parts }) => {
  test('has a generator loss whose gradient is its slope, and not zero', async () => {
    const loss = runtime.compile((x: Tensor, y: Tensor) => flow.generatorLoss({ fake: x, real: y }));
    const gradient = runtime.compile((x: Tensor, y: Tensor) =>
      grad((g: Tensor) => flow.generatorLoss({ fake: g, real: y }))(x),
    );
    const found = numbersOf(await gradient(fake, real));
    const expected = await slopes((x) => loss(x, real), fake);
    // Losses of size 1 in double precision over steps of 1e-5.
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 7));
    expect(Math.hypot(...found)).toBeGreaterThan(1e-3);
  });

  test('has a discriminator loss whose gradient is its slope, with the parts it names', async () => {
    expect(flow.discriminator !== undefined).toBe(parts !== undefined);
    const { discriminator } = flow;
    if (discriminator === undefined) return;
    const w = ndarray(Float64Array.of(0.6, -0.4), [2, 1]);
    const run = runtime.compile((p: Tensor, x: Tensor, y: Tensor, u: Tensor) => ({
      gradient: grad((q: Tensor) => lossOf(discriminator, q, x, y, u))(p),
      loss: lossOf(discriminator, p, x, y, u),
      parts: { ...discriminator.loss(pointOf(p, x, y, u)).parts },
    }));
    const { gradient, parts: found } = await run(w, fake, real, mix);
    expect(Object.keys(found).toSorted()).toEqual(parts);
    const expected = await slopes(async (p) => (await run(p, fake, real, mix)).loss, w);
    numbersOf(gradient).forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 7));
    expect(Math.hypot(...numbersOf(gradient))).toBeGreaterThan(1e-4);
  });
});

test.each([
  ['WGAN', wassersteinFlow({ constraint: 'clip', clip: 0.25 })],
  ['MMD', mmdFlow({ bandwidths: [1], clip: 0.25 })],
])('%s clamps every parameter after an update', async (_, flow) => {
  const constrain = flow.discriminator?.constrain as (params: SymbolicParams) => SymbolicParams;
  const clamped = await runtime.compile((p: SymbolicParams) => constrain(p))({ w: ndarray([-3, 0.125, 1], [3]) });
  expect(numbersOf((clamped as unknown as { w: NDArray }).w)).toEqual([-0.25, 0.125, 0.25]);
});

test('the gradient penalty is that of a linear critic: (‖w‖ − 1)², wherever items are', async () => {
  const flow = wassersteinFlow({ constraint: 'penalty', weight: 10 }).discriminator as DiscriminatorFlow;
  const run = runtime.compile((w: Tensor, x: Tensor, y: Tensor, u: Tensor) => {
    const discriminate = (items: Tensor): Tensor => matmul(items, w);
    const at = { fake: discriminate(x), real: discriminate(y), items: { fake: x, real: y }, discriminate, mix: u };
    return { ...flow.loss(at).parts };
  });
  const { penalty } = await run(ndarray([3, 4], [2, 1]), fake, real, mix);
  // ‖(3, 4)‖ = 5; the root is taken of 25 + 1e-12.
  expect(item(penalty as NDArray)).toBeCloseTo(16, 10);
});

test('the stabiliser weighs in with λ, and 0 leaves it out', async () => {
  const lossAt = async (weight: number): Promise<Record<string, number>> => {
    const { discriminator } = elasticGanFlow(KERNEL, { kernel: 'truncated', cutoff: 0.8, weight });
    const run = runtime.compile((w: Tensor, x: Tensor, y: Tensor, u: Tensor) => {
      const { loss, parts } = (discriminator as DiscriminatorFlow).loss(pointOf(w, x, y, u));
      return { loss, ...parts };
    });
    const found = await run(ndarray([0.6, -0.4], [2, 1]), fake, real, mix);
    return Object.fromEntries(Object.entries(found).map(([name, value]) => [name, item(value)]));
  };
  const [none, twice] = [await lossAt(0), await lossAt(2)];
  expect(Object.keys(none).toSorted()).toEqual(['discrepancy', 'loss']);
  expect(none['loss']).toBe(-(none['discrepancy'] as number));
  expect(twice['loss']).toBeCloseTo(2 * (twice['stability'] as number) - (none['discrepancy'] as number), 12);
});

test('options out of range are refused in a sentence', async () => {
  expectSentence(
    await messageOf(() => elasticGanFlow(KERNEL, { kernel: 'gaussian', cutoff: 0, weight: 1 })),
    'cut-off',
    'got 0',
  );
});

test.each([
  ['together in one batch', true, 2],
  ['each by themselves', false, 0],
] as const)('data and generated items are normalised %s', async (_, oneBatch, distance) => {
  // Normalises over the batch, as DCGAN's layers do.
  const standardised = (x: Tensor): Tensor => x.sub(x.mean(0)).div(sqrt(variance(x, 0)));
  const judge = runtime.compile((a: Tensor, b: Tensor) => discriminated(oneBatch, standardised, { fake: a, real: b }));
  const far = ndarray(
    Float32Array.from(real.data as Float32Array, (value) => value + 100),
    real.shape,
  );
  const features = await judge(far, real);
  const shift = (features.fake.data[0] as number) - (features.real.data[0] as number);
  // Of one ruler the distance is left, two standard deviations; rulers of their own lose it.
  expect(shift).toBeCloseTo(distance, 1);
  await judge.dispose();
});

import { type NDArray, type Tensor, float32Data, ndarray, trace } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import type { ExportedFunction, SymbolicParams } from '../../src/interfaces.ts';
import type { DescriptiveState } from '../../src/learners/descriptive-model.ts';
import { buildPotential } from '../../src/learners/potential.ts';
import { createLearner } from '../../src/learners/presets.ts';
import { merge } from '../../src/data/masked.ts';
import { expectSameBits, nonFinite } from '../support/trees.ts';
import { GENERALIZED_CASES } from './generalized-rows.ts';
import { LEARNER_CASES } from './learner-rows.ts';
import { VARIATIONAL_ROWS } from './variational-rows.ts';

/** Cases of the families whose learners have such capabilities. */
const CASES = [...LEARNER_CASES, ...GENERALIZED_CASES, ...VARIATIONAL_ROWS.vapo];

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

/** Learners that have a capability, opened at their first state. */
function having(capability: 'inpaint' | 'complete' | 'exports'): [string, (typeof CASES)[number]][] {
  return CASES.filter(({ model, options, data }) => {
    const learner = createLearner(runtime, model, options, data.itemShape);
    return learner[capability] !== undefined;
  }).map((item) => [item.label, item]);
}

describe.each(having('inpaint'))('inpainting by the dynamics of %s', (_, { model, options, data }) => {
  test('holds what is known, moves the rest, and repeats with its seed', async () => {
    const learner = createLearner(runtime, model, options, data.itemShape);
    const state = await learner.init(createStream(1), data);
    const { x } = await data.batch([0, 1, 2]);
    const known = ndarray(
      float32Data(x).map((__, i) => (i % 3 === 0 ? 0 : 1)),
      x.shape,
    );
    const open = runtime.openSessions;
    const run = async (seed: number, from?: NDArray): Promise<NDArray> =>
      (await learner.inpaint?.(state, x, known, createStream(seed), from)) as NDArray;
    const filled = await run(1);
    expect(nonFinite(filled)).toEqual([]);
    const values = Array.from(filled.data as Float64Array);
    const wrong = values.filter((value, i) => (value === x.data[i]) !== (known.data[i] === 1));
    expect(wrong, 'known values that moved, or missing ones that did not').toEqual([]);
    expectSameBits(await run(1), filled);
    const blank = await learner.inpaint?.(
      state,
      merge(x, known, { ...x, data: new Float32Array(x.data.length).fill(0.125) }),
      known,
      createStream(1),
    );
    expectSameBits(blank, filled);
    const begun = await run(1, { ...x, data: new Float32Array(x.data.length).fill(0.5) });
    expect(Array.from(float32Data(begun))).not.toEqual(Array.from(float32Data(filled)));
    expect(runtime.openSessions, 'it closes the sessions that it opened').toBe(open);
    await learner.dispose();
  });

  test('refuses items of another shape', async () => {
    const learner = createLearner(runtime, model, options, data.itemShape);
    const state = await learner.init(createStream(1), data);
    const x = ndarray(new Float32Array(3), [1, 3]);
    await expect(learner.inpaint?.(state, x, x, createStream(1))).rejects.toThrow('what is to be inpainted has items');
  });
});

const CONDITIONAL = [...LEARNER_CASES, ...GENERALIZED_CASES].filter(({ options }) => options.potential.classes > 0);

test.each(CONDITIONAL.map((item) => [item.label, item] as const))(
  'Φ of items without labels of %s is that of the marginal over labels',
  async (_, { model, options, data }) => {
    const learner = createLearner(runtime, model, options, data.itemShape);
    const state = (await learner.init(createStream(1), data)) as DescriptiveState;
    const { classes } = options.potential;
    const { x } = await data.batch([0, 1, 2, 3]);
    const conditional = buildPotential(options.potential, data.itemShape);
    const given = runtime.compile((params: SymbolicParams, items: Tensor, labels: Tensor) =>
      conditional.apply(params, items, labels),
    );
    // Weights that begin at zero would make all labels the same.
    const theta = createStream(2).normal((state.params as { theta: NDArray }).theta.shape);
    const params = { ...(state.params as object), theta };
    const rows: number[][] = [];
    for (let label = 0; label < classes; label++)
      rows.push(Array.from(float32Data(await given(params, x, ndarray(new Int32Array(4).fill(label), [4])))));
    const trained = { ...state, params, ...(state.average && { average: params }) };
    const found = float32Data((await learner.potential?.(trained, x)) as NDArray);
    expect(new Set(rows.map((row) => row[0])).size).toBe(classes);
    for (const [i, value] of found.entries()) {
      const values = rows.map((row) => row[i] as number);
      const largest = Math.max(...values);
      const expected = largest + Math.log(values.reduce((sum, v) => sum + Math.exp(v - largest), 0) / classes);
      // Values are read as float32.
      expect(Math.abs(value - expected)).toBeLessThan(1e-6 * (1 + Math.abs(expected)));
    }
    await expect(learner.potential?.(trained, ndarray([1, 2, 3], [1, 3]))).rejects.toThrow('what is scored has items');
    await learner.dispose();
  },
);

describe.each(having('complete'))('completion by the generator of %s', (_, { model, options, data }) => {
  test('keeps what is known, makes up the rest without looking at it, and treats each item by itself', async () => {
    const learner = createLearner(runtime, model, options, data.itemShape);
    const state = await learner.init(createStream(1), data);
    const { x } = await data.batch([0, 1, 2]);
    const known = ndarray(
      float32Data(x).map((__, i) => (i % 64 < 32 ? 1 : 0)),
      x.shape,
    );
    const complete = async (items: NDArray, mask: NDArray): Promise<NDArray> =>
      (await learner.complete?.(state, items, mask)) as NDArray;
    const filled = await complete(x, known);
    expect(nonFinite(filled)).toEqual([]);
    const wrong = Array.from(float32Data(filled)).filter((value, i) => (value === x.data[i]) !== (known.data[i] === 1));
    expect(wrong, 'known values that moved, or missing ones that are those of the item').toEqual([]);
    const blank = merge(x, known, { ...x, data: new Float32Array(x.data.length).fill(0.125) });
    expectSameBits(await complete(blank, known), filled);
    const [one, mask] = [x, known].map(({ data: values }) =>
      ndarray(Float32Array.from(values as Float32Array).slice(64, 128), [1, ...data.itemShape]),
    ) as [NDArray, NDArray];
    expect(Array.from(float32Data(await complete(one, mask)))).toEqual(Array.from(float32Data(filled).slice(64, 128)));
    await expect(complete(ndarray([1, 2, 3], [1, 3]), ndarray([1, 1, 1], [1, 3]))).rejects.toThrow(
      'what is to be inpainted has items',
    );
    await learner.dispose();
  });
});

describe.each(having('exports'))('the functions that %s exports', (_, { model, options, data }) => {
  const shapeAt = (shape: ExportedFunction['inputs'][number]['shape'], batch: number): number[] =>
    shape.map((size) => (size === 'batch' ? batch : size));

  test('can be traced as they say, by other names each, with their parameters built in', async () => {
    const learner = createLearner(runtime, model, options, data.itemShape);
    const exported = learner.exports?.(await learner.init(createStream(1), data)) ?? [];
    expect(exported).not.toHaveLength(0);
    expect(new Set(exported.map(({ name }) => name)).size).toBe(exported.length);
    for (const { name, apply, inputs, outputs, description, batch = 4 } of exported) {
      expect(name).toMatch(/^[a-z0-9-]+$/);
      for (const { description: text } of [...inputs, ...outputs, { description }]) expect(text).not.toBe('');
      const types = inputs.map(({ shape }) => ({ dtype: 'float32', shape: shapeAt(shape, batch) }));
      const { graph } = trace(name, (...x: Tensor[]) => apply(...x), types);
      expect(graph.inputs).toHaveLength(inputs.length);
      expect(graph.outputs).toHaveLength(outputs.length);
      expect(graph.outputs.map(({ shape }) => shape[0])).toEqual(outputs.map(() => batch));
    }
  });
});

import { ndarray } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { pointDataset } from '../../src/data/dataset.ts';
import { createDescriptiveLearner } from '../../src/learners/descriptive-family.ts';
import { MODELS, type ModelName } from '../../src/learners/presets.ts';
import { expectSentence, messageOf } from '../support/rows.ts';
import { expectSameBits, stored } from '../support/trees.ts';
import { LEARNER_CASES, type LearnerCase } from './learner-rows.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

/** An item shape that a model of the case cannot have been made for. */
function wrong(itemShape: readonly number[]): number[] {
  return itemShape.length === 1 ? [3] : [3, ...itemShape.slice(1)];
}

const FIRST_OF_EACH = LEARNER_CASES.filter(
  (item, i) => LEARNER_CASES.findIndex((other) => other.model === item.model) === i,
);

describe.each(FIRST_OF_EACH.map((item) => [item.label, item] as const))(
  '%s',
  (_, { model, options, data }: LearnerCase) => {
    const learner = createDescriptiveLearner(runtime, model, options, data.itemShape);
    const expected = `[${data.itemShape.join(', ')}]`;
    const init = createStream('init');

    test('names both shapes when a data set has other items', async () => {
      const other = pointDataset('flat', new Float32Array(12), 3);
      expectSentence(await messageOf(() => learner.init(init, other)), MODELS[model].title, '"flat"', '[3]', expected);
    });

    test('names both shapes when a batch has other items, before anything is compiled', async () => {
      const state = await learner.init(init, data);
      const kept = stored(state);
      const shapes = [wrong(data.itemShape), data.itemShape.map((size) => size + 1), [], [...data.itemShape, 1]];
      for (const shape of shapes) {
        const size = shape.reduce((a, b) => a * b, 2);
        const batch = { x: ndarray(new Float32Array(size), [2, ...shape]) };
        const draw = createStream('draw');
        expectSentence(
          await messageOf(() => learner.step(state, batch, draw)),
          MODELS[model].title,
          `[${shape.join(', ')}]`,
          expected,
        );
        expect(draw.state().count, 'a refused step draws nothing').toBe(0);
      }
      expectSameBits(state, kept);
      expect(runtime.openSessions).toBe(0);
    });

    test('refuses an empty batch', async () => {
      const state = await learner.init(init, data);
      const batch = { x: ndarray(new Float32Array(0), [0, ...data.itemShape]) };
      expectSentence(
        await messageOf(() => learner.step(state, batch, createStream('draw'))),
        MODELS[model].title,
        'empty',
      );
    });
  },
);

describe('a potential that cannot take the items', () => {
  const cases: readonly [ModelName<'descriptive'>, readonly number[], readonly number[]][] = [
    ['gcn', [1, 8, 8], [2]],
    ['wgcn', [2], [1, 8, 8]],
    ['pgcn', [1, 8, 8], [2]],
    ['w-pgcn', [1, 8, 8], [8, 8]],
  ];
  test.each(cases)('%s with the options for %j refuses %j when it is made', async (model, made, given) => {
    const options = MODELS[model].defaults(made);
    const message = await messageOf(() => createDescriptiveLearner(runtime, model, options, given));
    expectSentence(message, 'potential.net', `"${options.potential.net}"`, `[${given.join(', ')}]`);
  });

  test('images too small for the layers are refused when it is made', async () => {
    const options = MODELS.gcn.defaults([1, 8, 8]);
    const deep = { ...options, potential: { ...options.potential, channels: [2, 2] } };
    expect(await messageOf(() => createDescriptiveLearner(runtime, 'gcn', deep, [1, 0, 8]))).toContain(
      'does not fit images of 0×8',
    );
  });
});

test('the parameters of another model are refused at trace time, in words', async () => {
  const [images, points] = ['gcn on images', 'gcn on points'].map((label) => {
    const item = LEARNER_CASES.find((other) => other.label === label) as LearnerCase;
    return {
      data: item.data,
      learner: createDescriptiveLearner(runtime, item.model, item.options, item.data.itemShape),
    };
  });
  const [state, other] = [
    await points?.learner.init(createStream(1), points.data),
    await images?.learner.init(createStream(1), images.data),
  ];
  const mixed = { ...state, params: other?.params } as NonNullable<typeof state>;
  expectSentence(
    await messageOf(async () => points?.learner.step(mixed, await points.data.batch([0, 1]), createStream(2))),
    'chain',
    'layers',
  );
});

import { ShapeError, ndarray } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { MODELS, type ModelName, createLearner } from '../../src/index.ts';
import type { Dataset } from '../../src/interfaces.ts';
import { messageOf } from '../support/rows.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

const SHAPE = [1, 16, 16];
const IMAGES: Dataset = {
  name: 'images',
  itemShape: SHAPE,
  size: 4,
  batch: (rows) => Promise.resolve({ x: ndarray(new Float32Array(rows.length * 256), [rows.length, ...SHAPE]) }),
};

/** The defaults of a model with nets small enough to be interpreted. */
function small(name: ModelName): object {
  const options = MODELS[name].defaults(SHAPE) as unknown as Record<string, object>;
  const edit = (group: string, change: object): object => ({ ...options[group], ...change });
  if ('generator' in options)
    return {
      ...options,
      batchSize: 2,
      generator: edit('generator', { widths: [4], latent: 3 }),
      discriminator: edit('discriminator', { widths: [4] }),
    };
  const upsampling = 'upsampling' in options ? { upsampling: edit('upsampling', { channels: [4, 4] }) } : {};
  return { ...options, ...upsampling, batchSize: 2, potential: edit('potential', { channels: [4, 4], hidden: 4 }) };
}

describe.each(['wgcn', 'ggcn-star', 'vapo', 'dcgan', 'eieg-gan'] as const)('%s', (name) => {
  test.each([
    [8, 8],
    [24, 24],
    [32, 32],
  ])('makes no samples of %d×%d pixels with parameters of another size', async (height, width) => {
    const open = (shape: readonly number[]) => createLearner(runtime, name, small(name) as never, shape);
    const state = await open(SHAPE).init(createStream(1), IMAGES);
    const other = open([1, height, width]);
    const message = await messageOf(() => other.sample(state, 2, createStream(2)));
    expect(message).toMatch(
      /^[\w *-]+: "\S+" has the shape .*, items of \[1, \d+, \d+\] take .*; weights per channel and no dense layer/,
    );
    await expect(other.sample(state, 2, createStream(2))).rejects.toThrow(ShapeError);
  });
});

import { type NDArray, type Tensor, encodeModel, float32Data, lower, openBatch, zeros } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { webRuntime } from '@brownian/runtime/web';
import { describe, expect, test } from 'vitest';
import { descriptiveExports } from '../../src/learners/descriptive-exports.ts';
import { MODELS } from '../../src/learners/presets.ts';
import { buildPotential } from '../../src/learners/potential.ts';

const ITEM = [1, 8, 8];
const options = MODELS.wgcn.defaults(ITEM);
const potential = buildPotential({ ...options.potential, channels: [4, 6], hidden: 8, gain: 1 }, ITEM);
const functions = descriptiveExports({
  potential,
  params: potential.init(createStream(1)),
  itemShape: ITEM,
  langevin: options.langevin,
});

describe.each(functions.map((fn) => [fn.name, fn] as const))('the exported %s', (_, { inputs, apply, name }) => {
  test('runs in a page, for any batch, with the numbers of the float64 interpreter', async () => {
    const [page, oracle] = [await webRuntime({ threads: 2 }), createRuntime(interpreterBackend())];
    const compiled = oracle.compile((...x: Tensor[]) => apply(...x), { name });
    const open = openBatch((size) => {
      const types = inputs.map(() => zeros([size, ...ITEM]));
      return lower(compiled.graph(...types), { target: 'wasm' }).model;
    });
    const model = await page.loadModel(encodeModel(open as NonNullable<typeof open>), `${name}.onnx`);
    for (const batch of [1, 3]) {
      const given = inputs.map((value) => createStream(value.name).uniform([batch, ...ITEM], -1, 1));
      const [wanted] = await compiled(...given);
      const feeds = Object.fromEntries(model.inputs.map((value, i) => [value.name, given[i] as NDArray]));
      const found = Object.values(await model.run(feeds))[0] as NDArray;
      const [a, b] = [float32Data(wanted as NDArray), float32Data(found)];
      const scale = Math.max(...a.map(Math.abs));
      const gap = Math.max(...a.map((value, i) => Math.abs(value - (b[i] as number))));
      // float32 against float64 through three layers.
      expect(gap / scale).toBeLessThan(1e-4);
    }
    await Promise.all([page.dispose(), oracle.dispose()]);
  });
});

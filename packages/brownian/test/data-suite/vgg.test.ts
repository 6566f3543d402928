import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type Tensor, float32Data, ndarray } from '@brownian/graph';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, expect, test } from 'vitest';
import { decodeTensors } from '../../src/data/safetensors.ts';
import { VGG_ORIGINAL_INPUT, type VggLayer, readVgg, vggFilters } from '../../src/nets/vgg.ts';

const folder = new URL('../../../../../shared/data/vgg16/', import.meta.url);
const file = new URL('vgg16-relu2_2.safetensors', folder).pathname;

interface Printed {
  readonly printed: Readonly<Record<string, readonly number[]>>;
}

/** Layers that were printed, by the name of ours. `block2_conv2_pool` is the next layer's. */
const LAYERS: Readonly<Record<VggLayer, string>> = {
  relu1_1: 'block1_conv1',
  relu1_2: 'block1_conv2',
  pool1: 'block1_conv2_pool',
  relu2_1: 'block2_conv1',
  relu2_2: 'block2_conv2',
};
const SIZE = 224;

/** The cat, from BGR less the mean in H×W×C, to RGB in [-1, 1]. */
function photo(): Float32Array {
  const bytes = new Uint8Array(gunzipSync(readFileSync(new URL('persian_cat_224_bgr_meansub.f32le.gz', folder))));
  const pixels = new Float32Array(bytes.buffer);
  return Float32Array.from({ length: 3 * SIZE * SIZE }, (_, i) => {
    const [bgr, at] = [2 - Math.floor(i / SIZE ** 2), i % SIZE ** 2];
    return ((pixels[at * 3 + bgr] as number) + (VGG_ORIGINAL_INPUT.mean[bgr] as number)) / 127.5 - 1;
  });
}

const runtime = nodeRuntime({ threads: 2 });
afterAll(() => runtime.dispose());

test.each(Object.entries(LAYERS) as [VggLayer, string][])(
  'the trunk gives the activations printed for %s',
  async (layer, name) => {
    const { printed } = JSON.parse(readFileSync(new URL('printed_activations.json', folder), 'utf8')) as Printed;
    const weights = readVgg(decodeTensors(readFileSync(file), file).tensors, file);
    const net = vggFilters(weights, layer)([3, SIZE, SIZE]);
    const y = await runtime.compile((x: Tensor) => net.apply([], x))(ndarray(photo(), [1, 3, SIZE, SIZE]));
    const [, channels, height, width] = y.shape as [number, number, number, number];
    const ends = (size: number): number[] => [0, 1, 2, size - 3, size - 2, size - 1];
    const data = float32Data(y);
    const found = ends(height).flatMap((row) =>
      ends(width).flatMap((column) => ends(channels).map((c) => data[(c * height + row) * width + column] as number)),
    );
    const expected = printed[name] as readonly number[];
    const apart = found.map((value, i) => Math.abs(value - (expected[i] as number)));
    expect(expected).toHaveLength(216);
    // What the data's README measured of another implementation, on values up to 1,865: the biases are within 1.2e-4.
    expect(Math.max(...apart)).toBeLessThan(0.003);
  },
);

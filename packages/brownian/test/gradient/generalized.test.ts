import { type NDArray, type Tensor, flatten, grad } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, expect, test } from 'vitest';
import type { SymbolicParams } from '../../src/interfaces.ts';
import { autoEncoder } from '../../src/nets/auto-encoder.ts';
import { dcganGenerator } from '../../src/nets/dcgan.ts';
import { v0Generator, v0Synthesizer } from '../../src/nets/ggcn-v0.ts';
import type { Net } from '../../src/nets/net.ts';
import { resNet50, resNet50Generator } from '../../src/nets/resnet50.ts';
import { descriptor } from '../../src/potentials/descriptor.ts';
import { force } from '../../src/samplers/langevin.ts';
import { numbersOf } from '../support/trees.ts';

const device = nodeRuntime({ threads: 2 });
const oracle = createRuntime(interpreterBackend());
afterAll(async () => {
  await device.dispose();
  await oracle.dispose();
});

const TINY = { width: 2, blocks: [1, 1, 1, 1] } as const;
const NETS: readonly [string, Net][] = [
  ['v0Synthesizer', v0Synthesizer([2, 2, 3, 3, 4])([1, 32, 32])],
  ['v0Generator', v0Generator([1, 32, 32], [2, 2, 3, 3, 4])([3])],
  ['autoEncoder', autoEncoder({ output: [1, 16, 13], width: 3 })([2 * 16 * 13])],
  ['resNet50', resNet50(TINY)([1, 16, 16])],
  ['resNet50Generator', resNet50Generator([1, 16, 16], TINY)([3])],
  ['dcganGenerator with each image normalised', dcganGenerator({ output: [1, 8, 8], width: 8, norm: 'image' })([3])],
];

/** Largest difference over the largest value, of all arrays of two trees. */
function relativeError(found: unknown, expected: unknown): number {
  const [a, b] = [found, expected].map((tree) => flatten<NDArray>(tree).leaves.flatMap(numbersOf)) as [
    number[],
    number[],
  ];
  const scale = Math.max(...b.map(Math.abs));
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] as number)))) / scale;
}

test.each(NETS)('%s has the values and slopes on ONNX Runtime that it has in double precision', async (label, net) => {
  const compute = (params: SymbolicParams, x: Tensor): { y: Tensor; slopes: readonly [SymbolicParams, Tensor] } => {
    const y = net.apply(params, x);
    const slopes = grad(([p, at]: readonly [SymbolicParams, Tensor]) => net.apply(p, at).square().sum())([params, x]);
    return { y, slopes };
  };
  const [params, x] = [net.init(createStream(1)), createStream(label).normal([2, ...net.inputShape])];
  const [found, expected] = [await device.compile(compute)(params, x), await oracle.compile(compute)(params, x)];
  // Float32 through a few dozen layers of normalised activations.
  expect(relativeError(found.y, expected.y)).toBeLessThan(1e-4);
  expect(relativeError(found.slopes, expected.slopes)).toBeLessThan(1e-3);
});

test('the speed penalty of a conditional potential has the slopes in its parameters that it has in double precision', async () => {
  const potential = descriptor(v0Synthesizer([2, 2, 3, 3, 4])([1, 32, 32]), { classes: 3 });
  const compute = (params: SymbolicParams, x: Tensor, labels: Tensor): SymbolicParams =>
    grad((p: SymbolicParams) => force(potential, p, x, labels).square().sum())(params);
  const params = potential.init(createStream(1));
  const x = createStream(2).normal([2, 1, 32, 32]);
  const labels: NDArray = { dtype: 'int32', shape: [2], data: Int32Array.of(2, 0) };
  const [found, expected] = [
    await device.compile(compute)(params, x, labels),
    await oracle.compile(compute)(params, x, labels),
  ];
  // Twice back through the layers.
  expect(relativeError(found, expected)).toBeLessThan(1e-3);
});

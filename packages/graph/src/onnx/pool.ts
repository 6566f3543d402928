import type { PoolGeometry } from '../primitives.ts';
import type { Tensor } from '../tensor.ts';
import type { Lowering } from './lowering.ts';
import type { OnnxAttribute } from './model.ts';
import type { LoweringRule } from './rules.ts';

type Size = readonly [number, number, number, number];

function poolAttributes(g: PoolGeometry): Record<string, OnnxAttribute> {
  return { kernel_shape: g.kernel, strides: g.stride, pads: g.padding };
}

function imageSize(node: Tensor): Size {
  return (node.inputs[0] as Tensor).shape as unknown as Size;
}

function pooledSize(node: Tensor): Size {
  return (node.primitive === 'maxPoolScatter' ? (node.inputs[1] as Tensor).shape : node.shape) as unknown as Size;
}

export const lowerMaxPool: LoweringRule<'maxPool'> = (to, node, x) =>
  to.onnx.node('MaxPool', x, poolAttributes(node.attributes));

/** Offsets into the windows, row by row: the order in which the first of equal values wins. */
function taps(g: PoolGeometry): (readonly [number, number])[] {
  return Array.from(
    { length: g.kernel[0] * g.kernel[1] },
    (_, i) => [Math.floor(i / g.kernel[1]), i % g.kernel[1]] as const,
  );
}

/** For each tap, the value of `x` there in every window, shaped like the pooled image. */
function tapSlices(to: Lowering, node: Tensor<'maxPoolPick' | 'maxPoolScatter'>, x: string, outside: number): string[] {
  const g = node.attributes;
  const [, , oh, ow] = pooledSize(node);
  const [top, left, bottom, right] = g.padding;
  const padded = to.onnx.pad(x, [0, 0, top, left], [0, 0, bottom, right], outside);
  return taps(g).map(([i, j]) =>
    to.onnx.slice(padded, [2, 3], [i, j], [i + (oh - 1) * g.stride[0] + 1, j + (ow - 1) * g.stride[1] + 1], g.stride),
  );
}

/** MaxPool's indices are positions in the whole flattened image; WebGPU does not give them. */
function canIndex(to: Lowering): boolean {
  return to.target !== 'webgpu';
}

function pooledIndices(to: Lowering, node: Tensor<'maxPoolPick' | 'maxPoolScatter'>, x: string): string {
  return to.onnx.many('MaxPool', [x], 2, poolAttributes(node.attributes))[1] as string;
}

export const lowerMaxPoolPick: LoweringRule<'maxPoolPick'> = (to, node, x) => {
  const [image, values] = x as readonly [string, string];
  if (canIndex(to)) {
    const indices = to.onnx.reshape(pooledIndices(to, node, image), [-1]);
    return to.onnx.reshape(to.onnx.node('Gather', [to.onnx.reshape(values, [-1]), indices], { axis: 0 }), node.shape);
  }
  const largest = to.onnx.node('MaxPool', [image], poolAttributes(node.attributes));
  const candidates = tapSlices(to, node, image, -Infinity);
  const picks = tapSlices(to, node, values, 0);
  // From the last tap to the first, so that the first of equal ones has the last word.
  return picks.reduceRight((later, pick, t) =>
    to.onnx.node('Where', [to.onnx.node('Equal', [candidates[t] as string, largest]), pick, later]),
  );
};

/** One value per window and tap put back side by side, when windows tile the image. */
function tile(to: Lowering, parts: readonly string[], g: PoolGeometry, [n, c, oh, ow]: Size): string {
  const [kh, kw] = g.kernel;
  const rows = Array.from({ length: kh }, (_, i) => {
    const row = parts.slice(i * kw, (i + 1) * kw).map((part) => to.onnx.reshape(part, [n, c, oh, ow, 1]));
    return to.onnx.reshape(to.onnx.concat(row, 4), [n, c, oh, 1, ow * kw]);
  });
  return to.onnx.reshape(to.onnx.concat(rows, 3), [n, c, oh * kh, ow * kw]);
}

/** Overlapping or padded windows: each tap is spread over the image by a transposed convolution with a single one, and summed. */
function spread(to: Lowering, parts: readonly string[], node: Tensor<'maxPoolScatter'>): string {
  const g = node.attributes;
  const [n, c, h, w] = imageSize(node);
  const [, , oh, ow] = pooledSize(node);
  const [top, left] = g.padding;
  const [kh, kw] = g.kernel;
  const [fullH, fullW] = [(oh - 1) * g.stride[0] + kh, (ow - 1) * g.stride[1] + kw];
  const stacked = to.onnx.concat(
    parts.map((part) => to.onnx.reshape(part, [n * c, 1, oh, ow])),
    1,
  );
  const ones = new Float32Array((kh * kw) ** 2);
  for (let t = 0; t < kh * kw; t++) ones[t * kh * kw + t] = 1;
  const filters = to.onnx.initializer({ dtype: 'float32', shape: [kh * kw, 1, kh, kw], data: ones });
  const whole = to.onnx.node('ConvTranspose', [stacked, filters], { kernel_shape: [kh, kw], strides: g.stride });
  const high = [Math.max(0, h + top - fullH), Math.max(0, w + left - fullW)] as const;
  const padded = to.onnx.pad(whole, [0, 0, 0, 0], [0, 0, ...high]);
  return to.onnx.reshape(to.onnx.slice(padded, [2, 3], [top, left], [top + h, left + w], [1, 1]), [n, c, h, w]);
}

export const lowerMaxPoolScatter: LoweringRule<'maxPoolScatter'> = (to, node, x) => {
  const [image, g] = x as readonly [string, string];
  const { kernel, stride, padding } = node.attributes;
  const [n, c, h, w] = imageSize(node);
  const [, , oh, ow] = pooledSize(node);
  const apart = stride[0] >= kernel[0] && stride[1] >= kernel[1];
  if (canIndex(to) && apart)
    return to.onnx.node(
      'MaxUnpool',
      [g, pooledIndices(to, node, image), to.onnx.integers([n, c, h, w])],
      poolAttributes(node.attributes),
    );
  const largest = to.onnx.node('MaxPool', [image], poolAttributes(node.attributes));
  let taken: string | undefined;
  const parts = tapSlices(to, node, image, -Infinity).map((candidate) => {
    const equal = to.onnx.node('Equal', [candidate, largest]);
    const first = taken === undefined ? equal : to.onnx.node('And', [equal, to.onnx.node('Not', [taken])]);
    taken = taken === undefined ? equal : to.onnx.node('Or', [taken, equal]);
    return to.onnx.node('Where', [first, g, to.onnx.scalar(0)]);
  });
  const tiles =
    stride[0] === kernel[0] &&
    stride[1] === kernel[1] &&
    padding.every((p) => p === 0) &&
    h === oh * kernel[0] &&
    w === ow * kernel[1];
  return tiles ? tile(to, parts, node.attributes, pooledSize(node)) : spread(to, parts, node);
};

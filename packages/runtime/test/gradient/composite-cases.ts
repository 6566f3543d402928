import {
  type Tensor,
  and,
  avgPool2d,
  batchNorm,
  batchNormEvaluate,
  cast,
  clip,
  constant,
  conv2d,
  convTranspose2d,
  equal,
  gelu,
  globalAvgPool2d,
  greater,
  greaterEqual,
  groupNorm,
  layerNorm,
  less,
  logSoftmax,
  logSumExp,
  matmul,
  max,
  min,
  relu,
  select,
  slice,
  softmax,
  softplus,
  stack,
  tanh,
  unsqueeze,
  upsampleNearest2d,
  variance,
} from '@brownian/graph';
import { type OpCase, int32, normal, op, spread, uniform } from './op-case.ts';

/** A small convolutional potential: filters, bias, an activation, a read-out. */
function potential(activation: (x: Tensor) => Tensor): OpCase['f'] {
  return (x, w1, b1, w2, readout) => {
    const h = activation(conv2d(x, w1, { stride: 2, padding: 1, bias: b1 }));
    return matmul(activation(conv2d(h, w2)).reshape([2, -1]), readout).reshape([2]);
  };
}

const potentialOperands = [
  normal(2, 1, 6, 6),
  normal(2, 1, 3, 3),
  normal(2),
  normal(3, 2, 2, 2),
  normal(12, 1),
] as const;

/** Operations that the package composes of primitives, and compositions that models are made of. */
export const COMPOSITE_CASES: readonly OpCase[] = [
  op('gelu', (x) => gelu(x), normal(9)),
  op('softplus of a product', (a, b) => softplus(a.mul(b)), normal(3, 2), normal(2)),
  op('mean of everything', (x) => x.mean(), normal(2, 3)),
  op('mean of several axes', (x) => x.mean([0, 2]), normal(2, 3, 2)),
  op('max of several axes of a product', (a, b) => max(a.mul(b), [0, 2]), spread([2, 3, 2]), uniform(0.9, 1.1, 1)),
  op('min', (x) => min(x, 1), spread([3, 4])),
  op('variance of everything', (x) => variance(x), normal(3, 4)),
  op('variance of several axes', (x) => variance(x, [0, 2]), normal(2, 3, 4)),
  op('logSumExp of everything', (x) => logSumExp(x), normal(2, 3)),
  op('logSumExp of one axis, far from zero', (x) => logSumExp(x.add(100), 0), normal(4, 2)),
  op('softmax of the last axis', (x) => softmax(x), normal(2, 4)),
  op('softmax of the first axis', (x) => softmax(x, 0), normal(3, 2)),
  op('logSoftmax', (x) => logSoftmax(x), normal(2, 4)),
  op('clip', (x) => clip(x, -0.45, 0.65), spread([12])),
  op('comparisons joined', (x) => x.mul(cast(and(greater(x, -0.55), less(x, 0.75)), 'float32')), spread([12])),
  op('select by a comparison', (x) => select(greaterEqual(x, 0.05), x.square(), x.mul(-3)), spread([12])),
  op(
    'one-hot rows',
    (x, i) => matmul(cast(equal(i.reshape([-1, 1]), constant(int32([0, 1, 2]))), 'float32'), x),
    normal(3, 2),
    int32([2, 0, 2]),
  ),
  op('stack on a new last axis', (a, b) => stack([a, b], -1), normal(2, 3), normal(2, 3)),
  op('unsqueeze', (x) => unsqueeze(x, 1).mul(x), normal(2, 2)),
  op('slice counted from the end', (x) => slice(x, [undefined, [-3, -1]]), normal(2, 5)),

  op(
    'conv2d with bias',
    (x, w, bias) => conv2d(x, w, { padding: [1, 0], bias }),
    normal(2, 2, 3, 4),
    normal(3, 2, 3, 3),
    normal(3),
  ),
  op(
    'convTranspose2d',
    (x, w, bias) => convTranspose2d(x, w, { stride: 2, padding: 1, bias }),
    normal(2, 2, 3, 2),
    normal(2, 3, 4, 4),
    normal(3),
  ),
  op(
    'convTranspose2d with output padding',
    (x, w) => convTranspose2d(x, w, { stride: [2, 3], padding: 1, outputPadding: [1, 2] }),
    normal(1, 2, 3, 2),
    normal(2, 2, 3, 3),
  ),
  op(
    'convTranspose2d of stride 1, dilated',
    (x, w) => convTranspose2d(x, w, { dilation: 2, padding: 1 }),
    normal(1, 2, 3, 3),
    normal(2, 2, 2, 2),
  ),
  op('avgPool2d, tiled', (x) => avgPool2d(x, { kernel: [2, 3] }), normal(2, 2, 4, 6)),
  op('avgPool2d, overlapping', (x) => avgPool2d(x, { kernel: 3, stride: 1 }), normal(2, 2, 4, 5)),
  op(
    'avgPool2d, padded, rows left over',
    (x) => avgPool2d(x, { kernel: 2, padding: [1, 0, 0, 1] }),
    normal(1, 2, 4, 4),
  ),
  op('globalAvgPool2d', (x) => globalAvgPool2d(x), normal(2, 3, 2, 2)),
  op('upsampleNearest2d', (x) => upsampleNearest2d(x, [2, 3]), normal(1, 2, 2, 3)),

  op(
    'batchNorm of images',
    (x, scale, shift) => batchNorm(x, { scale, shift }).y,
    normal(3, 2, 2, 2),
    normal(2),
    normal(2),
  ),
  op('batchNorm of rows', (x, scale, shift) => batchNorm(x, { scale, shift }).y, normal(5, 3), normal(3), normal(3)),
  op(
    'the variance that batchNorm reports',
    (x, scale) => batchNorm(x, { scale, shift: scale }).statistics.variance,
    normal(4, 2),
    normal(2),
  ),
  op(
    'batchNormEvaluate',
    (x, scale, shift, mean, v) => batchNormEvaluate(x, { scale, shift }, { mean, variance: v }),
    normal(2, 3, 2, 2),
    normal(3),
    normal(3),
    normal(3),
    uniform(0.5, 2, 3),
  ),
  op(
    'layerNorm of the last axis',
    (x, scale, shift) => layerNorm(x, { scale, shift }),
    normal(3, 4),
    normal(4),
    normal(4),
  ),
  op(
    'layerNorm of several axes',
    (x, scale, shift) => layerNorm(x, { scale, shift }),
    normal(2, 3, 2),
    normal(3, 2),
    normal(3, 2),
  ),
  op('groupNorm', (x, scale, shift) => groupNorm(x, 2, { scale, shift }), normal(2, 4, 2, 2), normal(4), normal(4)),

  op('a convolutional potential with tanh', potential(tanh), ...potentialOperands),
  op('a convolutional potential with ReLU', potential(relu), ...potentialOperands),
];

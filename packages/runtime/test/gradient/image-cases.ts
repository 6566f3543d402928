import { type ConvGeometry, type PoolGeometry, type Tensor, apply, conv2d, maxPool2d, ndarray } from '@brownian/graph';
import { type OpCase, atKink, normal, op, spread } from './op-case.ts';

type Cases = readonly [OpCase, ...OpCase[]];
type Four = readonly [number, number, number, number];

/** A convolution given by the sizes of image and filters; the first cases of each kind cover what the others leave out. */
interface Convolution {
  readonly name: string;
  readonly image: Four;
  readonly filters: Four;
  readonly geometry: ConvGeometry;
}

const plain: ConvGeometry = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };

const CONVOLUTIONS: readonly Convolution[] = [
  { name: 'plain', image: [2, 2, 4, 5], filters: [3, 2, 2, 3], geometry: plain },
  { name: '1×1', image: [2, 3, 2, 2], filters: [2, 3, 1, 1], geometry: plain },
  { name: 'padded', image: [1, 2, 4, 3], filters: [2, 2, 3, 3], geometry: { ...plain, padding: [1, 1, 1, 1] } },
  {
    name: 'padded by more than the kernel',
    image: [1, 1, 3, 2],
    filters: [2, 1, 2, 2],
    geometry: { ...plain, padding: [2, 3, 2, 2] },
  },
  {
    name: 'strided, asymmetrically padded',
    image: [1, 2, 5, 4],
    filters: [2, 2, 3, 2],
    geometry: { ...plain, stride: [2, 1], padding: [1, 0, 2, 1] },
  },
  {
    name: 'strided with unread rows and columns',
    image: [1, 2, 6, 7],
    filters: [2, 2, 2, 2],
    geometry: { ...plain, stride: [3, 4] },
  },
  {
    name: 'strided with unread padding and image',
    image: [1, 1, 6, 6],
    filters: [1, 1, 2, 2],
    geometry: { ...plain, stride: [5, 3], padding: [0, 0, 1, 1] },
  },
  {
    name: 'dilated',
    image: [1, 2, 6, 5],
    filters: [2, 2, 3, 2],
    geometry: { ...plain, padding: [0, 1, 1, 0], dilation: [2, 3] },
  },
  {
    name: 'dilated and strided',
    image: [2, 1, 7, 6],
    filters: [2, 1, 2, 2],
    geometry: { stride: [2, 3], padding: [1, 1, 0, 1], dilation: [3, 2] },
  },
  {
    name: 'as in a DCGAN, k4 s2 p1',
    image: [2, 2, 4, 4],
    filters: [3, 2, 4, 4],
    geometry: { ...plain, stride: [2, 2], padding: [1, 1, 1, 1] },
  },
  // The blocked operators take 8 or 16 channels at a time.
  { name: 'a block to part of one', image: [1, 16, 3, 3], filters: [3, 16, 2, 2], geometry: plain },
  {
    name: 'a block to a block',
    image: [1, 16, 3, 4],
    filters: [16, 16, 3, 2],
    geometry: { ...plain, padding: [2, 0, 1, 1] },
  },
  {
    name: 'a block to a block, strided',
    image: [1, 16, 5, 4],
    filters: [16, 16, 4, 3],
    geometry: { ...plain, stride: [2, 3], padding: [3, 1, 1, 2] },
  },
];

function outputSize({ image, filters, geometry: g }: Convolution): [number, number] {
  return [0, 1].map((i) => {
    const reach = (g.dilation[i] as number) * ((filters[2 + i] as number) - 1) + 1;
    const padded = (image[2 + i] as number) + (g.padding[i] as number) + (g.padding[i + 2] as number);
    return Math.floor((padded - reach) / (g.stride[i] as number)) + 1;
  }) as [number, number];
}

function each(make: (c: Convolution, y: Four) => OpCase): Cases {
  const cases = CONVOLUTIONS.map((c) => make(c, [c.image[0], c.filters[0], ...outputSize(c)]));
  return cases as readonly OpCase[] as Cases;
}

/** Every geometry for every member of the family. */
export const CONVOLUTION_CASES: Readonly<Record<'conv2d' | 'conv2dInputGrad' | 'conv2dFilterGrad', Cases>> = {
  conv2d: each(({ name, image, filters, geometry }) =>
    op(`conv2d, ${name}`, (x, w) => apply('conv2d', [x, w], geometry), normal(...image), normal(...filters)),
  ),
  conv2dInputGrad: each(({ name, image, filters, geometry }, y) => {
    const attributes = { ...geometry, size: [image[2], image[3]] as const };
    return op(
      `conv2dInputGrad, ${name}`,
      (g, w) => apply('conv2dInputGrad', [g, w], attributes),
      normal(...y),
      normal(...filters),
    );
  }),
  conv2dFilterGrad: each(({ name, image, filters, geometry }, y) => {
    const attributes = { ...geometry, kernel: [filters[2], filters[3]] as const };
    return op(
      `conv2dFilterGrad, ${name}`,
      (x, g) => apply('conv2dFilterGrad', [x, g], attributes),
      normal(...image),
      normal(...y),
    );
  }),
};

/** Every geometry with the channels last. */
export const CHANNELS_LAST_CASES: Cases = each(({ name, image: [n, c, h, w], filters: [o, , kh, kw], geometry }) =>
  op(
    `conv2dChannelsLast, ${name}`,
    (x, filters) => apply('conv2dChannelsLast', [x, filters], geometry),
    normal(n, h, w, c),
    normal(kh, kw, c, o),
  ),
);

const POOLS: readonly {
  readonly name: string;
  readonly image: Four;
  readonly pooled: Four;
  readonly geometry: PoolGeometry;
}[] = [
  {
    name: 'tiled',
    image: [2, 2, 4, 6],
    pooled: [2, 2, 2, 2],
    geometry: { kernel: [2, 3], stride: [2, 3], padding: [0, 0, 0, 0] },
  },
  {
    name: 'tiled with rows left over',
    image: [1, 2, 5, 5],
    pooled: [1, 2, 2, 2],
    geometry: { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0] },
  },
  {
    name: 'overlapping',
    image: [1, 2, 5, 4],
    pooled: [1, 2, 2, 3],
    geometry: { kernel: [3, 2], stride: [2, 1], padding: [0, 0, 0, 0] },
  },
  {
    name: 'overlapping along one axis',
    image: [1, 2, 4, 5],
    pooled: [1, 2, 2, 3],
    geometry: { kernel: [2, 3], stride: [2, 1], padding: [0, 0, 0, 0] },
  },
  {
    name: 'overlapping and padded',
    image: [2, 1, 5, 6],
    pooled: [2, 1, 3, 3],
    geometry: { kernel: [3, 3], stride: [2, 2], padding: [1, 0, 1, 1] },
  },
  {
    name: 'padded, not overlapping',
    image: [1, 2, 5, 4],
    pooled: [1, 2, 3, 3],
    geometry: { kernel: [2, 2], stride: [2, 2], padding: [1, 1, 0, 1] },
  },
  {
    name: 'with gaps between windows',
    image: [1, 1, 8, 7],
    pooled: [1, 1, 3, 2],
    geometry: { kernel: [2, 2], stride: [3, 4], padding: [0, 0, 0, 0] },
  },
];

/** An image with equal values in every window, whole windows among them. */
const tied = (): ReturnType<typeof ndarray> =>
  ndarray([1, 1, 0, 2, 1, 1, 2, 2, -1, -1, 3, 0, -1, -1, 3, 3], [1, 1, 4, 4]);
const TILES: PoolGeometry = { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0] };
const OVERLAPS: PoolGeometry = { kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1] };

function eachPool(primitive: 'maxPool' | 'maxPoolPick' | 'maxPoolScatter', second: 'image' | 'pooled' | 'none'): Cases {
  const f = (geometry: PoolGeometry) => (x: Tensor, v: Tensor) =>
    apply(primitive, (second === 'none' ? [x] : [x, v]) as never, geometry);
  const operands = (image: Four, pooled: Four): ReturnType<typeof normal>[] => {
    if (second === 'none') return [];
    return [normal(...(second === 'image' ? image : pooled))];
  };
  const cases = [
    ...POOLS.map(({ name, image, pooled, geometry }) =>
      op(`${primitive}, ${name}`, f(geometry), spread(image), ...operands(image, pooled)),
    ),
    atKink('ties', op(`${primitive}, tiled, with ties`, f(TILES), tied(), ...operands([1, 1, 4, 4], [1, 1, 2, 2]))),
    atKink(
      'ties',
      op(`${primitive}, overlapping, with ties`, f(OVERLAPS), tied(), ...operands([1, 1, 4, 4], [1, 1, 4, 4])),
    ),
  ];
  return cases as readonly OpCase[] as Cases;
}

/** Every geometry for every member of the family. */
export const POOLING_CASES: Readonly<Record<'maxPool' | 'maxPoolPick' | 'maxPoolScatter', Cases>> = {
  maxPool: [
    ...eachPool('maxPool', 'none'),
    op(
      'maxPool of a convolution',
      (x, w) => maxPool2d(conv2d(x, w), { kernel: 2 }),
      normal(1, 2, 5, 5),
      normal(2, 2, 2, 2),
    ),
  ],
  maxPoolPick: eachPool('maxPoolPick', 'image'),
  maxPoolScatter: eachPool('maxPoolScatter', 'pooled'),
};

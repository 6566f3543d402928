import { float32Data } from '@brownian/graph';
import type { Dataset } from 'brownian';
import type { TaskProgress } from '../task-progress.ts';
import { imageFacts } from './decode.ts';
import type { OpenedImages } from './open.ts';
import { sizeOfSource } from './source.ts';

/** Values of one channel over a whole data set, in units of x. */
export interface ChannelStatistics {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Root of the mean squared distance from the mean. */
  readonly std: number;
}

/** What a data set is made of. */
export interface Statistics {
  readonly channels: readonly ChannelStatistics[];
  /** Items of each class, by its number; absent where there are no labels. */
  readonly classCounts?: readonly number[];
}

const BATCH = 100;

/** Sums over one channel; values are in about [-1, 1], so plain sums in float64 lose nothing that is shown. */
interface Sums {
  n: number;
  sum: number;
  squares: number;
  min: number;
  max: number;
}

function add(to: Sums, values: Float32Array): void {
  for (const value of values) {
    to.sum += value;
    to.squares += value * value;
    if (value < to.min) to.min = value;
    if (value > to.max) to.max = value;
  }
  to.n += values.length;
}

/** Reads every item of a data set once. Images have a channel each of their own, points a coordinate. */
export async function measure(data: Dataset, progress: TaskProgress): Promise<Statistics> {
  const channels = data.itemShape[0] as number;
  const area = data.itemShape.slice(1).reduce((a, b) => a * b, 1);
  const sums = Array.from({ length: channels }, (): Sums => ({
    n: 0,
    sum: 0,
    squares: 0,
    min: Infinity,
    max: -Infinity,
  }));
  const counts: number[] = data.classes?.map(() => 0) ?? [];
  let labelled = false;
  progress.start(`Reading ${data.name}`, data.size, 'items');
  try {
    for (let from = 0; from < data.size; from += BATCH) {
      const n = Math.min(BATCH, data.size - from);
      const { x, labels } = await data.batch(Array.from({ length: n }, (_, i) => from + i));
      const values = float32Data(x);
      for (let i = 0; i < n * channels; i++) add(sums[i % channels] as Sums, values.subarray(i * area, (i + 1) * area));
      labelled ||= labels !== undefined;
      for (const label of labels?.data ?? []) counts[Number(label)] = (counts[Number(label)] ?? 0) + 1;
      progress.update(from + n);
    }
  } finally {
    progress.stop();
  }
  const statistics = sums.map(({ n, sum, squares, min, max }) => {
    const mean = sum / n;
    return { min, max, mean, std: Math.sqrt(Math.max(0, squares / n - mean * mean)) };
  });
  return { channels: statistics, ...(labelled ? { classCounts: Array.from(counts, (count) => count ?? 0) } : {}) };
}

/** Sizes and kinds of image files, such as `jpeg 178×218 colour`, with how many there are of each. */
export async function fileShapes({ source, chosen }: OpenedImages): Promise<ReadonlyMap<string, number>> {
  const shapes = new Map<string, number>();
  if (source.kind === 'array' || source.pixels !== null) return shapes;
  const n = chosen?.length ?? sizeOfSource(source);
  for (let i = 0; i < n; i++) {
    const index = chosen === null ? i : (chosen[i] as number);
    const { format, width, height, grey } = await imageFacts(await source.read(index), source.where(index));
    const shape = `${format} ${width}×${height} ${grey ? 'grey' : 'colour'}`;
    shapes.set(shape, (shapes.get(shape) ?? 0) + 1);
  }
  return shapes;
}

import { type NDArray, float32Data, formatShape, ndarray } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import { bilinearWeights } from '../data/resize.ts';
import type { Batch, Dataset, ExportedFunction, Learner, Metrics, Moment } from '../interfaces.ts';
import { chooseRows, takeRows } from '../samplers/replay-buffer.ts';
import type { DescriptiveLearner, DescriptiveState } from './descriptive-model.ts';
import { checkItemShape } from './item-shape.ts';
import type { GridOptions } from './options.ts';

/** What a multi-grid model is made of. */
export interface MultiGridModel {
  readonly name: string;
  /** Shape of an image, `[channels, height, width]`. */
  readonly itemShape: readonly number[];
  /** One model per grid from the coarsest up, with the shape of its images; the last has the data's. */
  readonly grids: readonly { readonly shape: readonly number[]; readonly learner: DescriptiveLearner }[];
  /** Particles per iteration. */
  readonly particles: number;
  /** Standard deviation of Gaussian noise added to the mean colours where particles of the coarsest grid start, in units of x. */
  readonly startNoise: number;
  readonly upscaling: GridOptions['upscaling'];
}

/** State of a multi-grid learner. */
export type MultiGridState = {
  /** From the coarsest up. */
  readonly grids: readonly DescriptiveState[];
  /** Mean colours of data, `[items, channels, 1, 1]`: where samples of the coarsest grid begin. */
  readonly means: NDArray;
};

/** Items of the data whose mean colours are kept. */
const MEANS = 1000;

/** Images `[n, c, h, w]` at a coarser grid: the mean of each block. */
export function shrink(x: NDArray, [height, width]: readonly [number, number]): NDArray {
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const [down, right] = [h / height, w / width];
  const from = float32Data(x);
  // Sums in double precision, divided once: the mean of a block of ones is 1.
  const sums = new Float64Array(n * c * height * width);
  for (let i = 0; i < from.length; i++) {
    const [plane, row, column] = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w];
    const to = (plane * height + Math.floor(row / down)) * width + Math.floor(column / right);
    sums[to] = (sums[to] as number) + (from[i] as number);
  }
  const means = new Float32Array(sums.map((sum) => sum / (down * right)));
  return ndarray(means, [n, c, height, width]);
}

/** Images at a finer grid: each pixel becomes a block. */
function repeatPixels(x: NDArray, [height, width]: readonly [number, number]): NDArray {
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const [down, right] = [height / h, width / w];
  const from = float32Data(x);
  const out = Float32Array.from({ length: n * c * height * width }, (_, i) => {
    const [plane, row, column] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    return from[(plane * h + Math.floor(row / down)) * w + Math.floor(column / right)] as number;
  });
  return ndarray(out, [n, c, height, width]);
}

/** `[planes, rows, columns]` with its middle axis multiplied by weights `[to, rows]`. */
function weigh(from: Float32Array, weights: NDArray, columns: number): Float32Array {
  const [to, rows] = weights.shape as readonly [number, number];
  const w = weights.data as Float64Array;
  const out = new Float32Array((from.length / rows) * to);
  for (let i = 0; i < out.length; i++) {
    const [plane, row, column] = [Math.floor(i / (to * columns)), Math.floor(i / columns) % to, i % columns];
    let sum = 0;
    for (let k = 0; k < rows; k++)
      sum += (w[row * rows + k] as number) * (from[(plane * rows + k) * columns + column] as number);
    out[i] = sum;
  }
  return out;
}

/** Images at a finer grid by bilinear interpolation; the same as `resize`. */
function interpolate(x: NDArray, [height, width]: readonly [number, number]): NDArray {
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const across = weigh(float32Data(x), bilinearWeights(w, width, false), 1);
  return ndarray(weigh(across, bilinearWeights(h, height, false), width), [n, c, height, width]);
}

const UPSCALING: Readonly<Record<GridOptions['upscaling'], typeof repeatPixels>> = {
  blocks: repeatPixels,
  linear: interpolate,
};

/** Images of a grid at the size of a finer one; both ways are linear, so particles of one colour keep it. */
export function enlarge(
  x: NDArray,
  size: readonly [number, number],
  upscaling: GridOptions['upscaling'] = 'blocks',
): NDArray {
  return UPSCALING[upscaling](x, size);
}

/** Heights of grids up to the data's: fourfold from each to the next, and twofold where that leads to less than 8 pixels: 4, 16, 64; 4, 8, 32; 7, 28. */
export function gridSizes(height: number): number[] {
  const sizes = [height];
  for (let first = height; first >= 8 && first % 2 === 0; sizes.unshift(first))
    first /= first % 4 === 0 && first > 8 ? 4 : 2;
  return sizes;
}

/**
 * The shapes of grids with these heights, from the coarsest up.
 *
 * @throws RangeError unless each divides the next, in height and in width, and the last is the data's
 */
export function gridShapes(itemShape: readonly number[], heights: readonly number[]): number[][] {
  const [channels, height, width] = itemShape as readonly [number, number, number];
  const list = heights.join(', ');
  if (itemShape.length !== 3)
    throw new RangeError(`grids.sizes: grids are of images, these items have shape ${formatShape(itemShape)}.`);
  if (heights.at(-1) !== height)
    throw new RangeError(`grids.sizes is ${list}; the last must be the height of the data, ${height}.`);
  heights.forEach((size, i) => {
    const next = heights[i + 1] ?? size;
    if (next % size !== 0 || (i + 1 < heights.length && next === size) || (width * size) % height !== 0)
      throw new RangeError(
        `grids.sizes is ${list}; each must divide the next, and ${height}×${width} images must have whole pixels at ${size}.`,
      );
  });
  return heights.map((size) => [channels, size, (width * size) / height]);
}

/** The name of a metric of a grid that is not the finest, by the grid's height in pixels: `responseDistance@7`. */
function atGrid(metrics: Metrics, [, height]: readonly number[]): Metrics {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`${name}@${height}`, value]));
}

/** A function of one grid, told apart from those of the others. */
function ofGrid(exported: ExportedFunction, [, height, width]: readonly number[]): ExportedFunction {
  const description = `On the grid of ${height}×${width} pixels: ${exported.description}`;
  return { ...exported, name: `${exported.name}-${height}`, description };
}

class GridLearner implements Learner<MultiGridState> {
  readonly name: string;
  readonly #model: MultiGridModel;

  constructor(model: MultiGridModel) {
    this.name = model.name;
    this.#model = model;
  }

  async init(key: Stream, data: Dataset): Promise<MultiGridState> {
    checkItemShape(this.#model, data.itemShape, `the data set "${data.name}"`);
    const { grids } = this.#model;
    const states = grids.map(({ learner, shape }, i) => {
      const { name, size } = data;
      return learner.init(key.split(`grid ${i}`), { name, size, itemShape: shape, batch: (rows) => data.batch(rows) });
    });
    const rows = chooseRows(data.size, Math.min(MEANS, data.size), key.split('means'));
    return { grids: await Promise.all(states), means: shrink((await data.batch(rows)).x, [1, 1]) };
  }

  /** `n` images of the coarsest grid, each of one mean colour, with noise. */
  #start({ means }: MultiGridState, n: number, draw: Stream): NDArray {
    const { grids, startNoise, upscaling } = this.#model;
    const size = (grids[0]?.shape ?? []).slice(1) as [number, number];
    const flat = enlarge(takeRows(means, chooseRows(means.shape[0] as number, n, draw)), size, upscaling);
    if (startNoise === 0) return flat;
    const noise = draw.normal(flat.shape).data as Float32Array;
    return { ...flat, data: (flat.data as Float32Array).map((v, i) => v + startNoise * (noise[i] as number)) };
  }

  /** Particles of the grid before, where those of a grid of this shape start. */
  #raise(x: NDArray, [, height, width]: readonly number[]): NDArray {
    return enlarge(x, [height as number, width as number], this.#model.upscaling);
  }

  async step(state: MultiGridState, batch: Batch, draw: Stream): Promise<[MultiGridState, Metrics]> {
    checkItemShape(this.#model, batch.x.shape.slice(1), 'the batch');
    let x = this.#start(state, this.#model.particles, draw);
    const metrics: Record<string, number> = {};
    const next: DescriptiveState[] = [];
    for (const [i, { learner, shape }] of this.#model.grids.entries()) {
      const size = shape.slice(1) as [number, number];
      const data = { ...batch, x: shrink(batch.x, size) };
      const [after, found] = await learner.stepFrom(
        state.grids[i] as DescriptiveState,
        this.#raise(x, shape),
        data,
        draw,
      );
      next.push(after);
      x = after.particles;
      Object.assign(metrics, i + 1 === this.#model.grids.length ? found : atGrid(found, shape));
    }
    return [{ ...state, grids: next }, metrics];
  }

  async sample(state: MultiGridState, n: number, draw: Stream): Promise<NDArray> {
    let x = this.#start(state, n, draw);
    for (const [i, { learner, shape }] of this.#model.grids.entries()) {
      x = await learner.sampleFrom(state.grids[i] as DescriptiveState, this.#raise(x, shape), draw);
    }
    return x;
  }

  async trajectory(state: MultiGridState, n: number, draw: Stream, moments: number): Promise<readonly Moment[]> {
    const { grids, itemShape } = this.#model;
    const seen: Moment[] = [];
    let x = this.#start(state, n, draw);
    let before = 0;
    for (const [i, { learner, shape }] of grids.entries()) {
      const share = Math.max(2, Math.floor(moments / grids.length));
      const start = this.#raise(x, shape);
      const found = await learner.trajectoryFrom(state.grids[i] as DescriptiveState, start, draw, share);
      const finest = i + 1 === grids.length;
      for (const { steps, particles, metrics } of found) {
        const shown = finest
          ? { particles, metrics }
          : {
              particles: repeatPixels(particles, itemShape.slice(1) as [number, number]),
              metrics: atGrid(metrics, shape),
            };
        seen.push({ steps: before + steps, ...shown });
      }
      const last = found.at(-1) as Moment;
      [x, before] = [last.particles, before + last.steps];
    }
    return seen;
  }

  /** Grid by grid: what is known of a coarse image are the pixels whose whole block is. */
  async inpaint(state: MultiGridState, x: NDArray, known: NDArray, draw: Stream, from?: NDArray): Promise<NDArray> {
    checkItemShape(this.#model, x.shape.slice(1), 'what is to be inpainted');
    let start =
      from ?? repeatPixels(this.#start(state, x.shape[0] as number, draw), x.shape.slice(2) as [number, number]);
    for (const [i, { learner, shape }] of this.#model.grids.entries()) {
      const size = shape.slice(1) as [number, number];
      const whole = shrink(known, size);
      const held = { ...whole, data: float32Data(whole).map((share) => (share === 1 ? 1 : 0)) };
      const begin = i === 0 ? shrink(start, size) : this.#raise(start, shape);
      if (learner.inpaint === undefined) throw new RangeError(`${learner.name} cannot inpaint.`);
      start = await learner.inpaint(state.grids[i] as DescriptiveState, shrink(x, size), held, draw, begin);
    }
    return start;
  }

  exports(state: MultiGridState): readonly ExportedFunction[] {
    return this.#model.grids.flatMap(({ learner, shape }, i) =>
      (learner.exports?.(state.grids[i] as DescriptiveState) ?? []).map((exported) => ofGrid(exported, shape)),
    );
  }

  /** Φ of the finest grid. */
  async potential(state: MultiGridState, x: NDArray): Promise<NDArray> {
    const finest = this.#model.grids.at(-1) as MultiGridModel['grids'][number];
    // Grids are of unconditional models, which all have a potential.
    return (await finest.learner.potential?.(state.grids.at(-1) as DescriptiveState, x)) as NDArray;
  }

  particles(state: MultiGridState): NDArray {
    return (state.grids.at(-1) as DescriptiveState).particles;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#model.grids.map(({ learner }) => learner.dispose()));
  }
}

/**
 * Multi-grid models (M-GCN, wM-GCN: Gao et al. 2018; generalised GCN, section 4.2): a potential per grid, from the coarsest up. The
 * particles of a grid start at the up-scaled ones of the grid before, those of the coarsest at mean colours of the data; each grid learns
 * from the data at its own size, by its own flow. Metrics of the finest grid have their plain names, those of the others end in `@` and the height of
 * their grid, such as `responseDistance@7`.
 */
export function multiGridLearner(model: MultiGridModel): Learner<MultiGridState> {
  return new GridLearner(model);
}

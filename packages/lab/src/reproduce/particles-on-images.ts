import { type NDArray, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { type Dataset, elasticParticles } from 'brownian';
import { spreadIndices } from '../data/spread.ts';
import { gridPng } from '../images/grid.ts';
import type { Bench, Cell, Measured } from './experiment.ts';
import { ADAPTIVE, parseMobilities, singles } from './particle-flow.ts';

/** The paper's cut-off; its dimension, that of the images, leaves no force at their distances. */
const IMAGE_KERNEL = { dimension: 2, cutoff: 1 };

/** Share of values that are neither dark nor bright: what blurring makes of ink on paper. */
function greyShare({ data }: NDArray): number {
  const values = data as Float32Array;
  return values.reduce((count, value) => count + (Math.abs(value) < 0.5 ? 1 : 0), 0) / values.length;
}

/** Root mean square pixel distance of each row of x to the nearest of y, on average. */
function nearestDistance(x: NDArray, y: NDArray): number {
  const [n = 0, d = 0] = x.shape;
  const m = y.shape[0] ?? 0;
  const [a, b] = [x.data as Float32Array, y.data as Float32Array];
  let total = 0;
  for (let i = 0; i < n; i++) {
    let least = Infinity;
    for (let j = 0; j < m; j++) {
      let sum = 0;
      for (let k = 0; k < d && sum < least; k++) sum += ((a[i * d + k] as number) - (b[j * d + k] as number)) ** 2;
      least = Math.min(least, sum);
    }
    total += Math.sqrt(least / d);
  }
  return total / n;
}

/** Particles in the space of pixels: how grey they are, how far from data, a picture. */
export async function runImages({ settings }: Cell, images: Dataset, { runtime, task }: Bench): Promise<Measured> {
  const [n, end, seed] = [Number(settings['particles']), Number(settings['time']), Number(settings['seed'])];
  const [attraction, repulsion] = parseMobilities(String(settings['ratio']));
  const count = Math.min(Number(settings['images']), images.size);
  const { x: batch } = await images.batch(spreadIndices(images.size, count));
  const size = batch.data.length / count;
  const data = ndarray(batch.data, [count, size]);
  const start = createStream(seed).split('start').normal([n, size]);
  task.start(`${settings['ratio']} on images`, 1000, '‰ of time');
  const { x, evaluations } = await elasticParticles(runtime, start, data, {
    kernel: IMAGE_KERNEL,
    attraction,
    repulsion,
    end,
    ...ADAPTIVE,
    onStep: (t) => task.update(Math.round((1000 * t) / end)),
  }).finally(() => task.stop());
  const particles = singles(x);
  return {
    measures: {
      grey: greyShare(particles),
      greyOfData: greyShare(data),
      nearest: nearestDistance(particles, data),
      evaluations,
    },
    curves: {},
    note: '',
    pictures: [
      {
        name: 'images',
        format: 'png',
        bytes: await gridPng(ndarray(particles.data, [n, ...images.itemShape]), { columns: 8, scale: 2 }),
      },
    ],
  };
}

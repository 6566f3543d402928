import { type NDArray, float32Data, ndarray } from '@brownian/graph';
import { type MaskedImages, merge } from '../data/masked.ts';

/** One channel of one image, and what is known of it. */
interface Plane {
  readonly values: Float32Array;
  readonly known: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** Applies `fill` to every channel of every image; it writes missing pixels into `values`, which are 0 where they are missing. */
function byPlane({ x, known }: MaskedImages, fill: (plane: Plane) => void): NDArray {
  const [height, width] = x.shape.slice(2) as [number, number];
  const filled = merge(x, known, ndarray(new Float32Array(x.data.length), x.shape));
  const [values, mask] = [float32Data(filled), float32Data(known)];
  const area = height * width;
  for (let at = 0; at < values.length; at += area)
    fill({ values: values.subarray(at, at + area), known: mask.subarray(at, at + area), height, width });
  return filled;
}

/** Mean of the known pixels; 0, mid-grey, where there are none. */
function meanOf({ values, known }: Plane): number {
  let [sum, count] = [0, 0];
  known.forEach((share, i) => {
    if (share <= 0.5) return;
    sum += values[i] as number;
    count += 1;
  });
  return count === 0 ? 0 : sum / count;
}

/** Every missing pixel has the mean colour of the known ones of its image. */
export function meanFill(images: MaskedImages): NDArray {
  return byPlane(images, (plane) => {
    const mean = meanOf(plane);
    plane.known.forEach((share, i) => {
      if (share <= 0.5) plane.values[i] = mean;
    });
  });
}

/** A value with a weight; a weight of 0 says that there is none. */
type Weighted = readonly [value: number, weight: number];

/** Linear interpolation between the nearest known pixels before and after `at` on a line; its weight is one over their distance. */
function alongLine({ values, known }: Plane, at: number, step: number, before: number, after: number): Weighted {
  const find = (direction: 1 | -1, reach: number): number => {
    for (let k = 1; k <= reach; k++) if ((known[at + direction * k * step] as number) > 0.5) return k;
    return 0;
  };
  const [back, ahead] = [find(-1, before), find(1, after)];
  const [low, high] = [values[at - back * step] as number, values[at + ahead * step] as number];
  if (back === 0 && ahead === 0) return [0, 0];
  if (back === 0) return [high, 1 / (2 * ahead)];
  if (ahead === 0) return [low, 1 / (2 * back)];
  return [(low * ahead + high * back) / (back + ahead), 1 / (back + ahead)];
}

/**
 * Every missing pixel is interpolated linearly between the nearest known ones of its row and of its column; the nearer pair weighs more. Beyond
 * the last known pixel of a line its value goes on.
 */
export function bilinearFill(images: MaskedImages): NDArray {
  return byPlane(images, (plane) => {
    const { values, known, height, width } = plane;
    const mean = meanOf(plane);
    const found = values.slice();
    for (let i = 0; i < values.length; i++) {
      if ((known[i] as number) > 0.5) continue;
      const [y, x] = [Math.floor(i / width), i % width];
      const [across, a] = alongLine(plane, i, 1, x, width - 1 - x);
      const [down, d] = alongLine(plane, i, width, y, height - 1 - y);
      found[i] = a + d === 0 ? mean : (across * a + down * d) / (a + d);
    }
    values.set(found);
  });
}

const MOST_SWEEPS = 2000;
/** A change of a grey level that nobody sees: a hundredth of one of 255 levels. */
const SMALLEST_CHANGE = 1e-4;

/** One sweep of successive over-relaxation towards the mean of the neighbours; returns the largest change. */
function relax({ values, known, height, width }: Plane, factor: number): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    if ((known[i] as number) > 0.5) continue;
    const [y, x] = [Math.floor(i / width), i % width];
    let [sum, count] = [0, 0];
    if (x > 0) [sum, count] = [sum + (values[i - 1] as number), count + 1];
    if (x < width - 1) [sum, count] = [sum + (values[i + 1] as number), count + 1];
    if (y > 0) [sum, count] = [sum + (values[i - width] as number), count + 1];
    if (y < height - 1) [sum, count] = [sum + (values[i + width] as number), count + 1];
    const change = factor * (sum / count - (values[i] as number));
    values[i] = (values[i] as number) + change;
    largest = Math.max(largest, Math.abs(change));
  }
  return largest;
}

/** The smoothest filling: every missing pixel is the mean of its neighbours (the discrete Laplace equation, free at the image's border). */
export function harmonicFill({ x, known }: MaskedImages): NDArray {
  const start = bilinearFill({ x, known });
  const bilinear = float32Data(start);
  let at = 0;
  return byPlane({ x, known }, (plane) => {
    plane.values.set(bilinear.subarray(at, at + plane.values.length));
    at += plane.values.length;
    const factor = 2 / (1 + Math.sin(Math.PI / Math.max(plane.height, plane.width)));
    for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) if (relax(plane, factor) < SMALLEST_CHANGE) return;
  });
}

/** Fillings that know nothing of the data, which a model has to beat. */
export type FillName = 'mean' | 'bilinear' | 'harmonic';

/** Trivial fillings by name: images `[n, channels, height, width]` whose known pixels are untouched. */
export const FILLS: Readonly<Record<FillName, (images: MaskedImages) => NDArray>> = {
  mean: meanFill,
  bilinear: bilinearFill,
  harmonic: harmonicFill,
};

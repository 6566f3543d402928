import { type NDArray, type Tensor, ndarray } from '@brownian/graph';
import { type Runtime, createStream } from '@brownian/runtime';
import {
  type DescriptorOptions,
  type Layer,
  type SymbolicParams,
  buildPotential,
  fid,
  responseDistance,
} from 'brownian';

/** Side of a patch in pixels, at most, and the distance between the corners of two. */
const PATCH = 16;
const STRIDE = 2;
/** Patches whose features are computed at once. */
const CHUNK = 100;

/** Fixed filters: options of a potential with them, and the filters themselves if they do not come with the library. */
export interface Eyes {
  readonly options: DescriptorOptions;
  readonly filters?: Layer;
}

/** How close images are to others in the eyes of fixed filters. */
export interface Likeness {
  /** Response distance R. */
  readonly distance: number;
  /** Squared Fréchet distance of patches, a patch being described by the mean response of each filter in it. */
  readonly patchFid: number;
}

/** All square patches of images `[n, c, h, w]`, 16×16 or half the shorter side if that is less, whose corners lie on a raster of 2 pixels. */
function rasterPatches(images: NDArray): NDArray {
  const [n, c, h, w] = images.shape as readonly [number, number, number, number];
  const size = Math.min(PATCH, Math.floor(Math.min(h, w) / 2));
  const corners = (length: number): number[] =>
    Array.from({ length: Math.floor((length - size) / STRIDE) + 1 }, (_, i) => i * STRIDE);
  const parts: number[] = [];
  for (let image = 0; image < n; image++)
    for (const top of corners(h))
      for (const left of corners(w))
        for (let channel = 0; channel < c; channel++)
          for (let y = 0; y < size; y++) {
            const from = ((image * c + channel) * h + top + y) * w + left;
            for (let x = 0; x < size; x++) parts.push(images.data[from + x] as number);
          }
  return ndarray(Float32Array.from(parts), [n * corners(h).length * corners(w).length, c, size, size]);
}

/** Mean response of every filter in each patch, `[patches, filters]`. */
async function patchFeatures(runtime: Runtime, patches: NDArray, { options, filters }: Eyes): Promise<NDArray> {
  const [n, ...item] = patches.shape as readonly [number, ...number[]];
  const potential = buildPotential(options, item, filters);
  const featuresOf = (p: SymbolicParams, x: Tensor): Tensor => {
    const features = potential.features?.(p, x);
    if (features === undefined) throw new TypeError('likeness: these options describe a potential without filters.');
    return features;
  };
  const params = potential.init(createStream(1));
  const compute = runtime.compile((p: SymbolicParams, x: Tensor) => featuresOf(p, x).mean([2, 3]), {
    name: 'patch features',
    frozen: [0],
  });
  const [rows, size] = [[] as number[], patches.data.length / n];
  try {
    for (let from = 0; from < n; from += CHUNK) {
      const end = Math.min(n, from + CHUNK);
      const x = ndarray((patches.data as Float32Array).slice(from * size, end * size), [end - from, ...item]);
      rows.push(...((await compute(params, x)).data as Float32Array));
    }
  } finally {
    await compute.dispose();
  }
  return ndarray(Float32Array.from(rows), [n, rows.length / n]);
}

/**
 * Measures images against others.
 *
 * @param images `[n, channels, height, width]`
 * @param others of the same size; equally many for numbers that compare
 * @param eyes the filters whose R it is
 */
export async function likeness(runtime: Runtime, images: NDArray, others: NDArray, eyes: Eyes): Promise<Likeness> {
  const potential = buildPotential(eyes.options, images.shape.slice(1), eyes.filters);
  const params = potential.init(createStream(1));
  const compare = runtime.compile(
    (p: SymbolicParams, x: Tensor, y: Tensor) => responseDistance(potential, p, x, y) as Tensor,
    { name: 'response distance', frozen: [0] },
  );
  try {
    const distance = Number((await compare(params, images, others)).data[0]);
    const [own, theirs] = [rasterPatches(images), rasterPatches(others)];
    const patchFid = await fid(
      runtime,
      await patchFeatures(runtime, own, eyes),
      await patchFeatures(runtime, theirs, eyes),
    );
    return { distance, patchFid };
  } finally {
    await compare.dispose();
  }
}

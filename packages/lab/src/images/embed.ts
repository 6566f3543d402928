import { type NDArray, formatShape, ndarray } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import { UMAP } from 'umap-js';

/** Neighbours that shape the picture. */
const NEIGHBOURS = 15;

/**
 * Vectors laid out in the plane so that neighbours stay neighbours (UMAP, McInnes et al. 2018). Distances between far groups say little.
 *
 * @param features `[n, d]`
 * @param stream where its random choices come from
 * @returns `[n, 2]`
 * @throws RangeError when there are fewer vectors than neighbours
 */
export function embedInPlane(features: NDArray, stream: Stream): NDArray {
  const [n = 0, d = 0] = features.shape;
  if (features.shape.length !== 2 || n <= NEIGHBOURS)
    throw new RangeError(
      `An embedding takes more than ${NEIGHBOURS} vectors [n, d], got ${formatShape(features.shape)}.`,
    );
  const data = features.data as Float32Array;
  const rows = Array.from({ length: n }, (_, i) => Array.from(data.subarray(i * d, (i + 1) * d)));
  const umap = new UMAP({ nComponents: 2, nNeighbors: NEIGHBOURS, random: () => stream.next() });
  return ndarray(Float32Array.from(umap.fit(rows).flat()), [n, 2]);
}

import { type NDArray, float32Data, ndarray } from '@brownian/graph';
import type { StartTask } from '../scoring/collect.ts';

/** Items from `from` up to `to`. */
export function itemsFrom({ dtype, shape, data }: NDArray, from: number, to: number): NDArray {
  const [n = 1, ...item] = shape;
  const size = data.length / n;
  return { dtype, shape: [Math.min(to, n) - from, ...item], data: data.subarray(from * size, to * size) };
}

/** Arrays of items, one after the other, in one. */
export function joinItems(parts: readonly NDArray[]): NDArray {
  const [first] = parts;
  if (first === undefined) throw new RangeError('There is nothing to join; give at least one array.');
  const n = parts.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
  const values = new Float32Array(parts.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(float32Data(part), at);
    at += part.data.length;
  }
  return ndarray(values, [n, ...first.shape.slice(1)]);
}

/** Items that a model works on at once: enough to keep it busy, few enough to tell how far it has come. */
const AT_ONCE = 50;

/** Applies `work` to items some at a time, shows how far it has come, and joins the results. */
export async function inBatches(
  count: number,
  label: string,
  start: StartTask,
  work: (from: number, to: number) => Promise<NDArray>,
): Promise<NDArray> {
  const task = start();
  task.start(label, count, 'images');
  try {
    const parts: NDArray[] = [];
    for (let from = 0; from < count; from += AT_ONCE) {
      const to = Math.min(count, from + AT_ONCE);
      parts.push(await work(from, to));
      task.update(to);
    }
    return joinItems(parts);
  } finally {
    task.stop();
  }
}

import { type NDArray, float32Data, ndarray } from '@brownian/graph';

/** Columns `from` to `end` of `[n, columns]`, of the rows `first` to `last`. */
export function block(array: NDArray, [first, last]: readonly [number, number], from: number, end: number): NDArray {
  const columns = array.shape[1] as number;
  const values = float32Data(array);
  const width = end - from;
  const data = new Float32Array((last - first) * width);
  for (let row = first; row < last; row++)
    data.set(values.subarray(row * columns + from, row * columns + end), (row - first) * width);
  return ndarray(data, [last - first, width]);
}

/** Columns side by side. */
export function joinColumns(a: NDArray, b: NDArray | undefined): NDArray {
  if (b === undefined) return a;
  const [n, first] = a.shape as readonly [number, number];
  const second = b.shape[1] as number;
  const data = new Float32Array(n * (first + second));
  const [x, y] = [float32Data(a), float32Data(b)];
  for (let i = 0; i < n; i++) {
    data.set(x.subarray(i * first, (i + 1) * first), i * (first + second));
    data.set(y.subarray(i * second, (i + 1) * second), i * (first + second) + first);
  }
  return ndarray(data, [n, first + second]);
}

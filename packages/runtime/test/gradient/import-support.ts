import type { NDArray, Tensor } from '@brownian/graph';
import { constant, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import * as ort from 'onnxruntime-node';

/** The values of all outputs, as ONNX Runtime computes them from the file. */
export async function runFile(bytes: Uint8Array, x: NDArray): Promise<number[]> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const results = await session.run({ x: new ort.Tensor('float32', x.data as Float32Array, x.shape) });
  const values = session.outputNames.flatMap((name) => Array.from(results[name]?.data as Float32Array));
  await session.release();
  return values;
}

/** The values of arrays, one after the other. */
export const numbers = (arrays: readonly NDArray[]): number[] =>
  arrays.flatMap(({ data }) => Array.from<number | bigint, number>(data, Number));

/** A weighted sum of the outputs: a function of the image whose gradient has every part of theirs in it. */
export function weighted(outputs: readonly Tensor[]): Tensor {
  return outputs
    .map((y, k) => {
      const size = y.shape.reduce((a, b) => a * b, 1);
      const w = ndarray(
        Float64Array.from({ length: size }, (_, i) => Math.cos(3 * i + k)),
        y.shape,
      );
      return y.mul(constant(w)).sum();
    })
    .reduce((a, b) => a.add(b));
}

const draw = createStream('import');

/** Values of both signs. */
export const weights = (...shape: number[]): NDArray => draw.normal(shape);
/** Values away from 0. */
export const positive = (...shape: number[]): NDArray => draw.uniform(shape, 0.5, 2);
/** An int64 list, as shapes are. */
export const ints = (...values: number[]): NDArray => ndarray(BigInt64Array.from(values, BigInt));

import { type TensorType, sizeOf } from '@brownian/graph';
import { type InterpretationRules, floats } from './rule.ts';
import type { Values } from './storage.ts';
import { broadcastOffsets } from './strides.ts';

/** `out[m, n] += Σₖ a[m, k]·b[k, n]`, row by row so that the inner loop runs over neighbours. */
function addProduct(
  out: Float64Array,
  a: Float64Array,
  b: Float64Array,
  [m, k, n]: readonly [number, number, number],
): void {
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      const factor = a[i * k + l] as number;
      for (let j = 0; j < n; j++) out[i * n + j] = (out[i * n + j] as number) + factor * (b[l * n + j] as number);
    }
  }
}

function matmul(inputs: readonly Values[], output: TensorType, types: readonly TensorType[]): Float64Array {
  const [aShape, bShape] = types.map((type) => type.shape) as [readonly number[], readonly number[]];
  const [m, k] = aShape.slice(-2) as [number, number];
  const n = bShape.at(-1) as number;
  const lead = output.shape.slice(0, -2);
  const aMatrices = broadcastOffsets(aShape.slice(0, -2), lead);
  const bMatrices = broadcastOffsets(bShape.slice(0, -2), lead);
  const out = new Float64Array(sizeOf(output.shape));
  for (let batch = 0; batch < aMatrices.length; batch++) {
    const [aAt, bAt] = [(aMatrices[batch] as number) * m * k, (bMatrices[batch] as number) * k * n];
    const a = floats(inputs, 0).subarray(aAt, aAt + m * k);
    const b = floats(inputs, 1).subarray(bAt, bAt + k * n);
    addProduct(out.subarray(batch * m * n, (batch + 1) * m * n), a, b, [m, k, n]);
  }
  return out;
}

/** Matrix products with broadcast leading axes. */
export const MATMUL_RULES: Pick<InterpretationRules, 'matmul'> = {
  matmul: (inputs, _, output, types) => matmul(inputs, output, types),
};

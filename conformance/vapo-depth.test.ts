import { readFileSync } from 'node:fs';
import { type NDArray, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { describe, expect, test } from 'vitest';
import { conformVapoLoss } from './kinds/vapo-loss.ts';
import { type Reference, parseReference } from './reference.ts';

const FILE = new URL('golden/vapo-loss.json', import.meta.url);

/** The reference's data with a potential of these hidden layers. */
function withLayers(hidden: readonly number[]): Reference {
  const reference = parseReference(readFileSync(FILE, 'utf8'), FILE.pathname);
  const { data, u, xi } = reference.inputs as Record<'data' | 'u' | 'xi', NDArray>;
  const sizes = [3, ...hidden, 1];
  const stream = createStream('layers');
  const weights = sizes.slice(1).flatMap((out, i): [string, NDArray][] => {
    const a = stream.normal([out, sizes[i] as number]);
    return i === hidden.length
      ? [[`a${i + 1}`, a]]
      : [
          [`a${i + 1}`, a],
          [`c${i + 1}`, stream.normal([out])],
        ];
  });
  return { ...reference, inputs: { data, u, xi, ...Object.fromEntries(weights) } };
}

/** The same with every weight moved along its own gradient by `by`. */
async function lossMoved(reference: Reference, slopes: Readonly<Record<string, NDArray>>, by: number): Promise<number> {
  const moved = Object.entries(reference.inputs).map(([name, value]): [string, NDArray] => {
    const slope = slopes[`grad_${name}`];
    const shifted = Array.from(value.data as Float32Array, (v, i) => v + by * Number(slope?.data[i] ?? 0));
    return [name, ndarray(Float32Array.from(shifted), value.shape)];
  });
  const { loss } = await conformVapoLoss({ ...reference, inputs: Object.fromEntries(moved) });
  return Number(loss?.data[0]);
}

describe('the loss of a potential', () => {
  test.each([[[5]], [[6, 5]], [[4, 5, 3]]])('of hidden layers %j has the slope of every weight', async (hidden) => {
    const reference = withLayers(hidden);
    const found = await conformVapoLoss(reference);
    const weights = Object.keys(reference.inputs).filter((name) => /^[ac]\d+$/.test(name));
    expect(weights).toHaveLength(2 * hidden.length + 1);
    let squared = 0;
    for (const name of weights) {
      const slope = found[`grad_${name}`] as NDArray;
      expect(slope.shape).toEqual(reference.inputs[name]?.shape);
      for (const value of slope.data as Float32Array) squared += value ** 2;
    }
    // Along its gradient a loss changes by |gradient|² per unit; central differences over a hundredth of the loss, in float32.
    const by = (0.01 * Math.abs(Number(found['loss']?.data[0]))) / squared;
    const [up, down] = [await lossMoved(reference, found, by), await lossMoved(reference, found, -by)];
    expect(Math.abs((up - down) / (2 * by) / squared - 1)).toBeLessThan(1e-3);
  });
});

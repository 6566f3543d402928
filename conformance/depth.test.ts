import { readFileSync } from 'node:fs';
import { type NDArray, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { describe, expect, test } from 'vitest';
import { conformEiegGanLosses } from './kinds/eieg-gan-losses.ts';
import { conformVapoLoss } from './kinds/vapo-loss.ts';
import { type Conform, type Reference, parseReference } from './reference.ts';

/** A kind whose net may have any number of layers: its file, the widths at both ends, whether the last layer has a bias, the loss that its slopes are of. */
interface Deep {
  readonly conform: Conform;
  readonly file: string;
  readonly ends: readonly [number, number];
  readonly lastBias: boolean;
  readonly loss: string;
  /** Share of the loss that differences are taken over: float32 needs a large one, kinks of the kernel and of ReLU a small one. */
  readonly share: number;
}

const VAPO: Deep = {
  conform: conformVapoLoss,
  file: 'vapo-loss',
  ends: [3, 1],
  lastBias: false,
  loss: 'loss',
  share: 0.01,
};
const ELASTIC: Deep = {
  conform: conformEiegGanLosses,
  file: 'eieg-gan-losses',
  ends: [2, 3],
  lastBias: true,
  loss: 'discriminatorLoss',
  share: 1e-6,
};

function isWeight(name: string): boolean {
  return /^[ac]\d+$/.test(name);
}

/** The reference's data with a net of these hidden layers. */
function withLayers({ file, ends, lastBias }: Deep, hidden: readonly number[]): Reference {
  const place = new URL(`golden/${file}.json`, import.meta.url);
  const reference = parseReference(readFileSync(place, 'utf8'), place.pathname);
  const data = Object.entries(reference.inputs).filter(([name]) => !isWeight(name));
  const sizes = [ends[0], ...hidden, ends[1]];
  const stream = createStream('layers');
  const weights = sizes.slice(1).flatMap((out, i): [string, NDArray][] => {
    const a: [string, NDArray] = [`a${i + 1}`, stream.normal([out, sizes[i] as number])];
    return i === hidden.length && !lastBias ? [a] : [a, [`c${i + 1}`, stream.normal([out])]];
  });
  return { ...reference, inputs: Object.fromEntries([...data, ...weights]) };
}

/** The loss with every weight moved along its own gradient by `by`. */
async function lossMoved(
  { conform, loss }: Deep,
  reference: Reference,
  slopes: Readonly<Record<string, NDArray>>,
  by: number,
): Promise<number> {
  const moved = Object.entries(reference.inputs).map(([name, value]): [string, NDArray] => {
    // Points have slopes too, of another loss.
    const slope = isWeight(name) ? slopes[`grad_${name}`] : undefined;
    const shifted = Float64Array.from(value.data as Float32Array, (v, i) => v + by * Number(slope?.data[i] ?? 0));
    return [name, ndarray(shifted, value.shape)];
  });
  return Number((await conform({ ...reference, inputs: Object.fromEntries(moved) }))[loss]?.data[0]);
}

describe.each([VAPO, ELASTIC])('$file', (kind) => {
  test.each([[[5]], [[6, 5]], [[4, 5, 3]]])('with hidden layers %j has the slope of every weight', async (hidden) => {
    const reference = withLayers(kind, hidden);
    const found = await kind.conform(reference);
    const weights = Object.keys(reference.inputs).filter(isWeight);
    expect(weights).toHaveLength(2 * hidden.length + (kind.lastBias ? 2 : 1));
    let squared = 0;
    for (const name of weights) {
      const slope = found[`grad_${name}`] as NDArray;
      expect(slope.shape).toEqual(reference.inputs[name]?.shape);
      for (const value of slope.data) squared += Number(value) ** 2;
    }
    // Along its gradient a loss changes by |gradient|² per unit.
    const by = (kind.share * Math.abs(Number(found[kind.loss]?.data[0]))) / squared;
    const up = await lossMoved(kind, reference, found, by);
    const down = await lossMoved(kind, reference, found, -by);
    expect(Math.abs((up - down) / (2 * by) / squared - 1)).toBeLessThan(1e-3);
  });
});

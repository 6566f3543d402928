import { readFileSync, readdirSync } from 'node:fs';
import { ndarray } from '@brownian/graph';
import { describe, expect, test } from 'vitest';
import { checkFile } from './check.ts';
import { FLOORS, KINDS } from './kinds/table.ts';
import { parseReference, relativeError } from './reference.ts';

const folder = new URL('golden/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

describe('reference values', () => {
  test.each(files)('%s', async (name) => {
    const { tensors } = await checkFile(new URL(name, folder).pathname);
    expect(tensors.length).toBeGreaterThan(0);
    for (const tensor of tensors)
      expect(tensor, `${tensor.name} off by ${tensor.error}`).toMatchObject({ passed: true });
  });

  test.each(files)('%s is not passed by zeros', (name) => {
    const { kind, expected, rtol } = parseReference(readFileSync(new URL(name, folder), 'utf8'), name);
    const floor = FLOORS[kind] ?? 0;
    for (const [tensor, { data, shape }] of Object.entries(expected)) {
      const largest = Math.max(...Array.from(data as Float64Array, Math.abs));
      if (largest > 0 && largest < floor) continue;
      const zeros = ndarray(new Float64Array(data.length), shape);
      expect(relativeError(zeros, expected[tensor] ?? zeros, floor)).toBe(largest === 0 ? 0 : 1);
      expect(rtol).toBeLessThan(0.01);
    }
  });

  test('every kind has a file', async () => {
    const kinds = new Set(
      await Promise.all(files.map(async (name) => (await checkFile(new URL(name, folder).pathname)).kind)),
    );
    expect([...kinds].toSorted()).toEqual(Object.keys(KINDS).toSorted());
  });
});

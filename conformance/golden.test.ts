import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkFile } from './check.ts';
import { KINDS } from './kinds/table.ts';

const folder = new URL('golden/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

describe('reference values', () => {
  test.each(files)('%s', async (name) => {
    const { tensors } = await checkFile(new URL(name, folder).pathname);
    expect(tensors.length).toBeGreaterThan(0);
    for (const tensor of tensors)
      expect(tensor, `${tensor.name} off by ${tensor.error}`).toMatchObject({ passed: true });
  });

  test('every kind has a file', async () => {
    const kinds = new Set(
      await Promise.all(files.map(async (name) => (await checkFile(new URL(name, folder).pathname)).kind)),
    );
    expect([...kinds].toSorted()).toEqual(Object.keys(KINDS).toSorted());
  });
});

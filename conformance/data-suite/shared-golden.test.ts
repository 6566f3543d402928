import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkFile } from '../check.ts';
import { KINDS } from '../kinds/table.ts';

const folder = new URL('../../../shared/golden/', import.meta.url);

/** Reference files of the kinds that are computed here; others belong to models that are still to come. */
const files = readdirSync(folder).filter((name) => {
  if (!name.endsWith('.json')) return false;
  const { kind } = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as { kind: string };
  return Object.hasOwn(KINDS, kind);
});

/** Kinds whose files are our own alone, `conformance/golden`: their reference is an independent implementation in numpy. */
const OWN: readonly string[] = ['generator-iteration'];

describe('reference values beside the checkout', () => {
  test('there is a file of every kind but our own', () => {
    const kinds = files.map(
      (name) => (JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as { kind: string }).kind,
    );
    expect([...new Set([...kinds, ...OWN])].toSorted()).toEqual(Object.keys(KINDS).toSorted());
  });

  test.each(files)('%s', async (name) => {
    const { tensors } = await checkFile(new URL(name, folder).pathname);
    expect(tensors.filter((tensor) => !tensor.passed)).toEqual([]);
    expect(tensors.length).toBeGreaterThan(0);
  });
});

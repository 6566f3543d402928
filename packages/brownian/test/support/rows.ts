import { readdirSync } from 'node:fs';
import { expect } from 'vitest';

const SOURCES = new URL('../../src/', import.meta.url);

/**
 * The algorithms of a folder of `src`, one per file: its TypeScript files less `support`, which are parts that several of
 * them share and no implementation of the folder's interface.
 */
export function implementations(folder: string, support: readonly string[] = []): string[] {
  const files = readdirSync(new URL(`${folder}/`, SOURCES), { withFileTypes: true });
  const names = files.map((file) => file.name.replace(/\.ts$/, ''));
  const unknown = support.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new Error(`src/${folder} has no ${unknown.join(', ')}; take it off the list of support files.`);
  return names.filter((name) => !support.includes(name)).toSorted();
}

/** Names of the functions a module exports. */
export function exportedFunctions(module: object): string[] {
  return Object.entries(module)
    .filter(([, value]) => typeof value === 'function')
    .map(([name]) => name)
    .toSorted();
}

/** A contract table covers what there is: an implementation without a row fails, and so does a row without one. */
export function expectRows(rows: object, names: readonly string[]): void {
  expect(Object.keys(rows).toSorted(), 'one row per implementation: add the missing one').toEqual(names.toSorted());
}

/** One sentence a person can act on: no stack, no line breaks, a full stop, and the given fragments. */
export function expectSentence(message: string, ...fragments: readonly string[]): void {
  expect(message).toMatch(/^[^\n]+\.$/);
  expect(message).not.toMatch(/undefined|NaN|\[object|\.\./);
  for (const fragment of fragments) expect(message).toContain(fragment);
}

/** The message of what a call throws or rejects with. */
export async function messageOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('Expected an error, none was thrown.');
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CellResult } from '../../src/reproduce/experiment.ts';
import { readResults } from '../../src/reproduce/store.ts';
import { brownian, isOneSentence } from './command.ts';
import { temporaryFolder } from './files.ts';

/** Runs an experiment, and gives its cells and its page. */
export async function reproduced(argv: readonly string[]): Promise<{ cells: readonly CellResult[]; page: string }> {
  const out = join(temporaryFolder(), 'out');
  expect(await brownian(['reproduce', ...argv, '--out', out])).toMatchObject({ code: 0, err: '' });
  const page = await readFile(join(out, 'report.html'), 'utf8');
  expect(page.replaceAll(/base64,[^"]*/g, '')).not.toMatch(/undefined|NaN|\[object/);
  return { cells: [...(await readResults(out)).values()], page };
}

/** What an experiment that is refused says, in a sentence. */
export async function refusal(argv: readonly string[]): Promise<string> {
  const ended = await brownian(['reproduce', ...argv, '--out', join(temporaryFolder(), 'x')]);
  expect(ended.code).not.toBe(0);
  expect(isOneSentence(ended.err)).toBe(true);
  return ended.err;
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStream } from '@brownian/runtime';
import { DataError } from 'brownian';
import { UserError } from '../../src/errors.ts';
import { mutate } from './mutate.ts';
import { FUZZ_ROWS, type FuzzRow } from './rows.ts';

/** What became of the inputs of a row. */
export interface FuzzOutcome {
  readonly read: number;
  readonly refused: number;
  /** Inputs whose reader failed in a way that a user should not see, by their number. */
  readonly failures: readonly string[];
  /** The slowest input, in milliseconds. */
  readonly slowest: number;
  /** By how much the memory of the process grew over all inputs, in megabytes. */
  readonly grown: number;
}

/** What the process says while it works: the number of the input it begins, how a promise failed that nobody waited for, or the end. */
export type FuzzMessage =
  | { readonly begun: number }
  | { readonly unhandled: string }
  | { readonly outcome: FuzzOutcome };

function send(message: FuzzMessage): void {
  process.send?.(message);
}

function megabytes(): number {
  return process.resourceUsage().maxRSS / 1024;
}

/** A sentence on one line that names the file. */
function isSentence(message: string, file: string): boolean {
  return /^[^\n]+[.?]$/.test(message) && message.includes(file);
}

/** Tries one input; returns what is wrong with how it failed, null when it was refused well, undefined when it was read. */
async function attempt(row: FuzzRow, bytes: Uint8Array, path: string): Promise<string | null | undefined> {
  try {
    await row.read(bytes, path);
    return undefined;
  } catch (error) {
    if (!(error instanceof DataError || error instanceof UserError))
      return `${String(error)} ${(error as Error).stack?.split('\n')[1] ?? ''}`;
    return isSentence(error.message, row.file) ? null : `not a sentence that names ${row.file}: ${error.message}`;
  }
}

async function run(name: string, inputs: number): Promise<FuzzOutcome> {
  const row = FUZZ_ROWS.find((candidate) => candidate.name === name) as FuzzRow;
  const folder = mkdtempSync(join(tmpdir(), 'brownian-fuzz-'));
  const path = join(folder, row.file);
  const [failures, stream] = [[] as string[], createStream(`fuzz ${name}`)];
  let [read, refused, slowest, before] = [0, 0, 0, 0];
  try {
    const seeds = await row.seeds(folder);
    for (const seed of seeds) {
      const outcome = await attempt(row, seed, path);
      if (outcome !== undefined) failures.push(`a seed is not read: ${outcome ?? 'refused'}`);
    }
    before = megabytes();
    for (let i = 0; i < inputs; i++) {
      send({ begun: i });
      const bytes = mutate(seeds[i % seeds.length] as Uint8Array, stream.split(i));
      const started = performance.now();
      const outcome = await attempt(row, bytes, path);
      slowest = Math.max(slowest, performance.now() - started);
      if (outcome === undefined) read += 1;
      else if (outcome === null) refused += 1;
      else failures.push(`input ${i}: ${outcome}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { read, refused, failures, slowest, grown: megabytes() - before };
}

process.on('unhandledRejection', (reason) => send({ unhandled: String(reason) }));
const [row = '', inputs = '0'] = process.argv.slice(2);
process.send?.({ outcome: await run(row, Number(inputs)) } satisfies FuzzMessage, () => process.disconnect());

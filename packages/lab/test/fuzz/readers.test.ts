import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { FUZZ_ROWS } from './rows.ts';
import type { FuzzMessage, FuzzOutcome } from './run-row.ts';

const INPUTS = 1300;
/** A reader that takes longer over a file of a few kilobytes hangs. */
const LIMIT_MS = 5000;
/** Seeds are a few kilobytes; a reader that believes a header's lengths would need more than this. */
const MOST_MEMORY_MB = 400;

let tried = 0;

/** Runs the inputs of a row in a process of their own, which is ended when one of them hangs. */
async function fuzz(row: string): Promise<FuzzOutcome> {
  const child = fork(fileURLToPath(new URL('run-row.ts', import.meta.url)), [row, String(INPUTS)], {
    execArgv: ['--conditions=source', '--import', 'tsx'],
  });
  let begun: number | undefined;
  let watch: NodeJS.Timeout | undefined;
  try {
    return await new Promise<FuzzOutcome>((resolve, reject) => {
      const restart = (): void => {
        clearTimeout(watch);
        watch = setTimeout(() => reject(new Error(`Input ${begun} of ${row} hangs.`)), LIMIT_MS);
      };
      child.on('message', (message: FuzzMessage) => {
        if ('outcome' in message) resolve(message.outcome);
        else if ('unhandled' in message)
          reject(new Error(`Input ${begun} of ${row}: a promise failed unseen: ${message.unhandled}`));
        else {
          begun = message.begun;
          restart();
        }
      });
      child.on('error', reject);
      child.on('exit', (code, signal) =>
        reject(new Error(`Input ${begun} of ${row} ended the process (${signal ?? code}).`)),
      );
    });
  } finally {
    clearTimeout(watch);
    child.kill();
  }
}

it.each(FUZZ_ROWS.map(({ name }) => name))(
  '%s: damaged files are read or refused in a sentence',
  { timeout: 120_000 },
  async (row) => {
    const outcome = await fuzz(row);
    tried += outcome.read + outcome.refused + outcome.failures.length;
    expect(outcome.failures.slice(0, 5)).toEqual([]);
    expect(outcome.refused).toBeGreaterThan(INPUTS / 20);
    expect(outcome.grown).toBeLessThan(MOST_MEMORY_MB);
  },
);

afterAll(() => {
  process.stdout.write(`Fuzzing tried ${tried} damaged files on ${FUZZ_ROWS.length} readers.\n`);
});

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEvents, readMetrics } from '../../src/runs/database.ts';
import { runFiles } from '../../src/runs/run.ts';
import { temporaryFolder } from '../support/files.ts';
import { type Finished, finished, start } from '../support/process.ts';

const trained = async (out: string, flags: string): Promise<Finished> =>
  await finished(start(['train', '8-gaussians', '--checkpoint-every', '10', ...flags.split(' '), '--out', out]));

describe('a run on points', () => {
  it('that is sound is left alone', async () => {
    const out = join(temporaryFolder(), 'run');
    expect(await trained(out, '--iterations 400')).toMatchObject({ code: 0, err: '' });
    const spreads = readMetrics(runFiles(out).database).map(({ metrics }) => metrics['particleSpread'] ?? NaN);
    for (const spread of spreads) expect(Math.abs(Math.log2(spread))).toBeLessThan(1); // within a factor of 2 of the data
  });

  it('with a hundred times the step diverges, and is told why and what to do', async () => {
    const out = join(temporaryFolder(), 'run');
    const ended = await trained(out, '--iterations 400 --langevin.delta 20');
    expect(ended.code).toBe(1);
    expect(ended.err).toMatch(
      /^brownian: Training diverged in iteration 20 \(the spread of the particles .* above 10 for 20 iterations.*\); train anew with --langevin\.delta 10 \(a smaller step\)/,
    );
    expect(readEvents(runFiles(out).database).map(({ kind }) => kind)).toEqual(['started', 'diverged']);
  });

  it('with a thousand times the learning rate is rolled back as often as it may be, and then ended', async () => {
    const out = join(temporaryFolder(), 'run');
    const ended = await trained(out, '--iterations 400 --learning-rate 1 --on-divergence rollback --rollbacks 2');
    expect(ended.code).toBe(1);
    expect(ended.out.match(/with other noise, rollback [12] of at most 2\./g)).toHaveLength(2);
    expect(ended.err).toMatch(/^brownian: Training diverged in iteration \d+ after 2 rollbacks \(/);
    const kinds = readEvents(runFiles(out).database).map(({ kind }) => kind);
    expect(kinds).toEqual(['started', 'rolled back', 'rolled back', 'diverged']);
  });
});

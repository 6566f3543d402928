import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { lookAhead } from '../src/data/look-ahead.ts';
import { readCheckpoint } from '../src/runs/checkpoint.ts';
import { openRun, runFiles, writeRecord } from '../src/runs/run.ts';
import { pictureBytes } from './support/archives.ts';
import { brownian, isOneSentence } from './support/command.ts';
import { nodeEngine } from '../src/engine.ts';
import { readScores } from '../src/runs/scores.ts';
import { digitFiles, temporaryFolder } from './support/files.ts';

async function photos(count: number): Promise<string> {
  const folder = temporaryFolder();
  for (let i = 0; i < count; i++) {
    const bytes = await pictureBytes(i, { format: 'jpeg', width: 12, height: 10 });
    writeFileSync(join(folder, `${i}.jpg`), bytes);
  }
  return folder;
}

it('a resumed run on a folder of images sees the same batches, mirrored and dequantised alike', async () => {
  const folder = await photos(9);
  const runs = temporaryFolder();
  const train = async (name: string, iterations: number, memory: number): Promise<string> => {
    const out = join(runs, name);
    const options = ['--images.size', '8', '--images.flip', 'true', '--images.dequantise', 'true', '--batch-size', '4'];
    const flags = ['--iterations', String(iterations), '--images.memory', String(memory), '--out', out];
    expect(await brownian(['train', folder, ...options, ...flags])).toMatchObject({ code: 0, err: '' });
    return out;
  };
  const [whole, part] = [await train('whole', 7, 1024), await train('part', 3, 16)];
  expect(await brownian(['resume', part, '--iterations', '7', '--images.memory', '32'])).toMatchObject({
    code: 0,
    err: '',
  });
  const states = await Promise.all(
    [whole, part].map(async (run) => (await readCheckpoint(runFiles(run).checkpoint(7))).state),
  );
  expect(states[1]).toEqual(states[0]);
});

it('a run is not resumed on data that have changed, and nothing of it is touched', async () => {
  const folder = await photos(9);
  const run = join(temporaryFolder(), 'run');
  const flags = ['--images.size', '8', '--iterations', '2', '--batch-size', '4', '--out', run];
  expect(await brownian(['train', folder, ...flags])).toMatchObject({ code: 0, err: '' });
  const before = readFileSync(runFiles(run).record, 'utf8');
  const name = basename(folder);
  const refused = async (change: string, or = ''): Promise<void> => {
    const { code, err } = await brownian(['resume', run, '--iterations', '4']);
    expect([code, err]).toEqual([
      1,
      `brownian: The data of ${run} have changed: ${change}; put back what it learned from, or train a new run${or}.\n`,
    ]);
    expect(readFileSync(runFiles(run).record, 'utf8')).toBe(before);
  };
  const third = readFileSync(join(folder, '2.jpg'));
  rmSync(join(folder, '2.jpg'));
  await refused(`${name} has 8 items to learn from, and the run learned from 9`);
  writeFileSync(join(folder, '2.jpg'), await pictureBytes(77, { format: 'jpeg', width: 12, height: 10 }));
  const or = '; to go on all the same, delete "fingerprint" from its run.json';
  await refused(`${name} has as many items as then, but others, or other labels`, or);
  writeFileSync(join(folder, '2.jpg'), third);
  expect(await brownian(['resume', run, '--iterations', '4'])).toMatchObject({ code: 0, err: '' });
  const { record } = await openRun(run);
  await writeRecord(run, { ...record, data: { ...record.data, itemShape: [1, 9, 9], fingerprint: undefined } });
  expect((await brownian(['resume', run, '--iterations', '6'])).err).toContain(
    `the items of ${name} are 3×8×8 now, and the run learned from 1×9×9; put back`,
  );
});

it('options of images are refused where they have no meaning', async () => {
  const folder = await photos(2);
  for (const argv of [
    ['8-gaussians', '--images.flip', 'true'],
    [folder, '--images.range', '1,0'],
    [folder, '--images.range', '0,1'],
    [folder, '--images.color', 'sepia'],
    [folder, '--images.crop', '11'],
  ]) {
    const { code, err } = await brownian(['train', ...argv, '--out', join(temporaryFolder(), 'run')]);
    expect([code, isOneSentence(err)]).toEqual([1, true]);
    expect(err).toContain('--images.');
  }
});

it('labels of IDX files are classes: models are conditional on them, and runs are scored', async () => {
  vi.stubEnv('BROWNIAN_CACHE', temporaryFolder());
  onTestFinished(() => void vi.unstubAllEnvs());
  const data = digitFiles(temporaryFolder(), true);
  const small = ['--potential.channels', '3', '--upsampling.width', '2', '--hidden.dim', '3', '--sampling.steps', '0'];
  const train = async (...flags: string[]): Promise<{ run: string; err: string }> => {
    const run = join(temporaryFolder(), 'run');
    const options = ['--model', 'ggcn-star', '--iterations', '1', '--batch-size', '4', '--samples', '2', ...small];
    return { run, err: (await brownian(['train', data, ...options, '--out', run, ...flags], nodeEngine)).err };
  };
  const { run, err } = await train('--classes', '3');
  expect(err).toBe('');
  const scores = await readScores(run);
  expect(scores.map(({ provenance }) => provenance.metric)).toEqual(['is', 'is', 'fid', 'kid']);
  expect(scores.at(2)?.provenance.network?.name).toContain('cnn-16-32-96 trained on');
  expect((await train('--classes', '4')).err).toBe(
    'brownian: --potential.classes is 4; these data have 3 classes, so make it 3.\n',
  );
});

it('a run on some of the data is scored by the classifier of all of them, as evaluate scores it', async () => {
  vi.stubEnv('BROWNIAN_CACHE', temporaryFolder());
  onTestFinished(() => void vi.unstubAllEnvs());
  const data = digitFiles(temporaryFolder(), true);
  const run = join(temporaryFolder(), 'run');
  const small = ['--iterations', '1', '--batch-size', '4', '--samples', '2', '--limit', '7', '--steps', '1'];
  const net = ['--potential.channels', '3', '--sampling.steps', '0', '--out', run];
  const trained = await brownian(['train', data, ...small, ...net], nodeEngine);
  expect(trained).toMatchObject({ code: 0, err: '' });
  expect(trained.out).toContain('Scoring: a classifier of all 40 items of the data is trained once and kept.');
  const evaluated = await brownian(['evaluate', run, '--metrics', 'fid', '--samples', '20'], nodeEngine);
  expect(evaluated).toMatchObject({ code: 0, err: '' });
  const networks = (await readScores(run)).map(({ provenance }) => provenance.network?.hash);
  expect(networks.length).toBe(5);
  expect(new Set(networks).size).toBe(1);
});

it('what is fetched ahead is given out once, in order, and fails when it is taken', async () => {
  const begun: number[] = [];
  const ahead = lookAhead(
    (i) => {
      begun.push(i);
      return i === 3 ? Promise.reject(new Error('three')) : Promise.resolve(i * i);
    },
    2,
    5,
  );
  expect(await ahead.take(0)).toBe(0);
  expect(begun).toEqual([0, 1, 2]);
  expect(await ahead.take(1)).toBe(1);
  expect(await ahead.take(2)).toBe(4);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  await expect(ahead.take(3)).rejects.toThrow('three');
  expect(await ahead.take(4)).toBe(16);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  // A run that is resumed begins anywhere.
  expect(await ahead.take(1)).toBe(1);
});

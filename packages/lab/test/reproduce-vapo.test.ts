import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nodeEngine } from '../src/engine.ts';
import { parseChange } from '../src/reproduce/changes.ts';
import { readScale } from '../src/reproduce/options.ts';
import { vapoImages } from '../src/reproduce/vapo-images.ts';
import { vapoOod } from '../src/reproduce/vapo-ood.ts';
import { brownian } from './support/command.ts';
import { digitFiles, idxBytes, temporaryFolder } from './support/files.ts';
import { refusal, reproduced } from './support/reproduced.ts';

/** Forty images of 12×12 pixels, without a test part. */
function images(): string {
  const path = join(temporaryFolder(), 'train-images-idx3-ubyte');
  writeFileSync(
    path,
    idxBytes([40, 12, 12], (i) => (i * 37) % 256),
  );
  return path;
}

it('vapo-images: FID on the way, what a sample takes, with settings of its own', async () => {
  const models = ['--models', 'vapo@2', '--images', '10', '--samples', '6', '--looks', '2', '--network', 'values'];
  const changes = 'images.size=8  potential.channels=4,6 potential.hidden=8 sampling.step-size=0.5';
  const { cells, page } = await reproduced(['vapo-images', '--data', images(), ...models, '--settings', changes]);
  expect(page).toMatch(/1: \S+ · 2: \S+/);
  expect(page).toContain('default settings but for images.size=8 potential.channels=4,6');
  expect(cells[0]?.settings).toMatchObject({ settings: changes.replace('  ', ' ') });
  // Half a unit of the clock a step, to the end at 1.25, by the six stages of dopri5 and one; FID compares 8×8 pixels with such.
  expect(cells[0]?.measures['evaluations']).toBeLessThan(25);
  expect(cells[0]?.measures['fid']).toBeGreaterThan(0);
  for (const experiment of [vapoImages, vapoOod])
    for (const cell of experiment.plan(readScale(experiment, {}))) expect(cell.settings).not.toHaveProperty('settings');
});

it('settings of experiments are options of their models, each given once', async () => {
  expect(parseChange('settings', 'path.data-std=0.1', ['vapo'])).toEqual({ 'path.dataStd': '0.1' });
  expect(parseChange('settings', 'batch-size=8', ['vapo', 'wgcn'])).toEqual({ batchSize: '8' });
  for (const [models, text, said] of [
    ['vapo,wgcn', 'path.data-std=0.1', 'it takes options of wgcn with values'],
    ['vapo', 'seed=3', '--settings has "seed=3"'],
    ['vapo', 'images.flip', '--settings has "images.flip"'],
    ['vapo', 'images.flip=maybe', '--images.flip'],
    ['vapo', 'images.flip=true images.flip=false', 'twice'],
  ] as const)
    expect(await refusal(['vapo-ood', '--models', models, '--settings', text])).toContain(said);
});

it('vapo-ood: AUROC of both scores, histograms and curves, of trainings with a held-out part', async () => {
  const scale = ['--models', 'vapo@2', '--images', '20', '--items', '12', '--against', `${images()},interpolated`];
  const argv = ['vapo-ood', '--data', images(), ...scale];
  expect(await refusal(argv)).toContain('--settings images.test-share=0.1');
  const { cells, page } = await reproduced([...argv, '--settings', 'images.test-share=0.3 potential.channels=4,6']);
  expect(page).toContain('interpolated · typicality');
  expect(page.match(/data:image\/png/g)?.length).toBe(2);
  expect(Object.keys(cells[0]?.measures ?? {})).toContain('train-images-idx3-ubyte (learned from) · potential');
});

it('vapo-ood --run: judges a trained run, as it stands', async () => {
  const folder = temporaryFolder();
  const run = join(folder, 'run');
  const small = ['--potential.channels', '4,6', '--potential.hidden', '8', '--sampling.step-size', '0.5'];
  const argv = ['train', digitFiles(folder), '--model', 'vapo', '--iterations', '2', '--batch-size', '4', '--out', run];
  expect(await brownian([...argv, '--samples', '4', ...small], nodeEngine)).toMatchObject({ code: 0 });
  const judged = ['vapo-ood', '--run', run, '--against', `${images()},interpolated`];
  const { cells, page } = await reproduced(judged);
  expect(cells.map(({ settings }) => [settings['run'], settings['iteration']])).toEqual([[run, 2]]);
  expect(Object.keys(cells[0]?.measures ?? {})).toContain('interpolated · potential');
  expect(page).toContain(`The model of ${run}`);
  // What detect says of the same checkpoint and the same items.
  const ended = await brownian(['detect', run, '--out', 'interpolated', '--seed', '1', '--json'], nodeEngine);
  const { separations } = JSON.parse(ended.out) as { separations: { name: string; auroc: number }[] };
  const mixed = separations.find(({ name }) => name === 'interpolated')?.auroc;
  expect(cells[0]?.measures['interpolated · potential']).toBeCloseTo(mixed as number, 6);
  expect(await refusal([...judged, '--images', '5'])).toContain('--images is for trainings');
  expect(await refusal(['vapo-ood', '--run', folder])).toContain('there is no checkpoint of a run');
});

import { writeFileSync } from 'node:fs';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { float32Data } from '@brownian/graph';
import { createRuntime, interpreterBackend } from '@brownian/runtime';
import { imageDataset } from 'brownian';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { html } from '../src/report/html.ts';
import type { Bench, Cell, Experiment } from '../src/reproduce/experiment.ts';
import { EXPERIMENTS } from '../src/reproduce/experiments.ts';
import { classOf } from '../src/reproduce/found.ts';
import { numbersOf, readScale } from '../src/reproduce/options.ts';
import { imagePatches } from '../src/reproduce/patches.ts';
import { reproduce } from '../src/reproduce/reproduce.ts';
import { readResults } from '../src/reproduce/store.ts';
import { vapoSensitivity } from '../src/reproduce/vapo-sensitivity.ts';
import { brownian, isOneSentence } from './support/command.ts';
import { idxBytes, temporaryFolder, tinyImages } from './support/files.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

/** An experiment whose cells square a number. */
function squares(ran: number[], onRun: (value: number) => void = () => undefined): Experiment {
  return {
    name: 'squares',
    title: 'Squares',
    summary: 'squares of numbers',
    options: { values: { kind: 'numbers', meaning: 'numbers', standard: '1,2,3' } },
    examples: [],
    plan: (scale) => numbersOf(scale, 'values').map((value) => ({ settings: { value } })),
    open: () =>
      Promise.resolve((cell: Cell) => {
        const value = Number(cell.settings['value']);
        onRun(value);
        ran.push(value);
        return Promise.resolve({
          measures: { square: value ** 2 },
          curves: { path: [value, null] },
          note: '',
          pictures: [{ name: 'samples', format: 'png' as const, bytes: Uint8Array.of(1, 2, 3) }],
        });
      }),
    findings: (results, _, picture) => ({
      lead: 'Squares.',
      tables: [
        {
          title: 'All',
          rows: [
            ['value', 'square'],
            ...results.map((r) => [String(r.settings['value']), String(r.measures['square'])]),
          ],
          note: 'a | b',
        },
      ],
      figures: results.map((r) => html`<img src="${picture(r.pictures['samples'] ?? '')}" alt="" />`),
    }),
  };
}

function benchOf(stop: AbortSignal = new AbortController().signal): Bench {
  const task = { start: () => undefined, update: () => undefined, stop: () => undefined };
  return { runtime, threads: 1, task, stop, note: () => undefined };
}

function sitting(experiment: Experiment, folder: string, values?: string, bench: Bench = benchOf()): Promise<unknown> {
  const scale = readScale(experiment, { values });
  return reproduce({ experiment, scale, folder, command: 'brownian reproduce squares', seconds: null, bench });
}

describe('an experiment over several sittings', () => {
  it('keeps the cells that ended before a failure and runs only the missing ones after it', async () => {
    const folder = temporaryFolder();
    const ran: number[] = [];
    const failing = squares(ran, (value) => {
      if (value === 3) throw new Error('power cut');
    });
    await expect(sitting(failing, folder)).rejects.toThrow('power cut');
    expect(ran).toEqual([1, 2]);
    await expect(sitting(squares(ran), folder)).resolves.toMatchObject({ done: 3, planned: 3 });
    expect(ran).toEqual([1, 2, 3]);
    expect(await readFile(join(folder, 'table.md'), 'utf8')).toContain('| 3 | 9 |');
    const page = await readFile(join(folder, 'report.html'), 'utf8');
    expect(page).toContain('data:image/png;base64,AQID');
    expect(page).not.toContain('Unfinished');
  });

  it('stops between cells when the user asks, and says in the report what is missing', async () => {
    const folder = temporaryFolder();
    const controller = new AbortController();
    const stopping = squares([], (value) => {
      if (value === 2) controller.abort();
    });
    await expect(sitting(stopping, folder, undefined, benchOf(controller.signal))).resolves.toMatchObject({ done: 2 });
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('2 of 3 cells have been run');
  });

  it('takes cells of another scale as missing and keeps those of the first', async () => {
    const folder = temporaryFolder();
    const ran: number[] = [];
    await sitting(squares(ran), folder, '1,2');
    await expect(sitting(squares(ran), folder, '2,5')).resolves.toMatchObject({ done: 2, planned: 2 });
    expect(ran).toEqual([1, 2, 5]);
    expect((await readResults(folder)).size).toBe(3);
  });

  it('refuses a damaged result and names its file', async () => {
    const folder = temporaryFolder();
    await sitting(squares([]), folder, '1');
    const cells = join(folder, 'cells');
    const name = (await readdir(cells)).find((file) => file.endsWith('.json')) ?? '';
    await writeFile(join(cells, name), '{"settings":');
    await expect(sitting(squares([]), folder, '1')).rejects.toThrow(`${name} is not the result of a cell; delete it`);
    await rm(join(cells, name));
    await expect(sitting(squares([]), folder, '1')).resolves.toMatchObject({ done: 1 });
  });
});

describe('the command', () => {
  it.each(EXPERIMENTS.map(({ name, examples }) => [name, examples] as const))(
    '%s has help with examples whose options exist',
    async (name, examples) => {
      const { code, out } = await brownian(['reproduce', name, '--help']);
      expect(code).toBe(0);
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) {
        expect(out).toContain(example);
        for (const [flag] of example.matchAll(/--[a-z-]+/g)) expect(out).toContain(`${flag} <`);
      }
    },
  );

  it.each([
    [['--iterations', '0'], '--iterations is "0"; it must be a whole number of at least 1.'],
    [['--lambda', '1e-3,x'], '--lambda is "1e-3,x"; it must be numbers of at least 0'],
    [['--classes', 'horse,horse'], '--classes is "horse,horse"; it must be a list in which nothing stands twice.'],
    [['--flows', 'kl,jk'], '--flows has "jk"; a flow is kl, jko or implicit, with β jko-60 or implicit-60.'],
    [['--clip', 'none,0'], '--clip has "0"; it takes none and numbers above 0.'],
    [['--images', '1.5'], '--images is "1.5"; it must be whole numbers of at least 1 with commas between.'],
    [['--minutes', 'soon'], '--minutes is "soon"; it must be a number above 0.'],
  ])('refuses %j in one sentence', async (flags, message) => {
    const out = join(temporaryFolder(), 'x');
    const ended = await brownian(['reproduce', 'wframe', '--out', out, ...flags]);
    expect(ended).toMatchObject({ code: 2 });
    expect(ended.err).toContain(message);
    expect(isOneSentence(ended.err)).toBe(true);
  });
});

describe('experiments on small data, from the command to the report', () => {
  /** Runs an experiment twice; every cell must have curves of two iterations and a measure of R above 0. */
  const run = async (
    argv: readonly string[],
    cells: number,
    distance = 'finalDistance',
    curve = 'responseDistance',
  ): Promise<string> => {
    const out = join(temporaryFolder(), 'out');
    const first = await brownian(['reproduce', ...argv, '--out', out]);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toContain(`${cells} of ${cells} cells.`);
    const before = await readResults(out);
    expect((await brownian(['reproduce', ...argv, '--out', out])).code).toBe(0);
    expect(await readResults(out), 'nothing is run again').toEqual(before);
    for (const { curves, measures, note } of before.values()) {
      expect(note).toBe('');
      expect(curves[curve]?.length).toBe(2);
      expect(measures[distance]).toBeGreaterThan(0);
    }
    return await readFile(join(out, 'report.html'), 'utf8');
  };

  /** Forty images of 12×12 pixels. */
  const images = (): string => {
    const path = join(temporaryFolder(), 'train-images-idx3-ubyte');
    writeFileSync(
      path,
      idxBytes([40, 12, 12], (i) => (i * 37) % 256),
    );
    return path;
  };

  it('texture', async () => {
    const folder = temporaryFolder();
    const pixels = Uint8Array.from({ length: 24 * 30 * 3 }, (_, i) => (i * 37) % 256);
    await sharp(pixels, { raw: { width: 30, height: 24, channels: 3 } })
      .png()
      .toFile(join(folder, 'stones.png'));
    const scale = ['--images', '2', '--size', '12', '--synthesis', '16', '--iterations', '2', '--steps', '2'];
    const flows = ['--flows', 'kl,jko-300,implicit-300', '--scales', '1,2'];
    const page = await run(
      ['texture', '--data', folder, '--textures', 'stones.png', '--filters', 'gabor', ...scale, ...flows],
      6,
    );
    // The patches, and a synthesis for each flow at one scale and at two.
    expect(page.match(/data:image\/png/g)?.length).toBe(7);
  });

  const tiny = ['--filters', 'gabor', '--images', '4', '--size', '12', '--iterations', '2', '--steps', '2'];

  it('faces, of images without classes too: flows side by side, with time and memory', async () => {
    const page = await run(
      ['faces', '--data', tinyImages(temporaryFolder()), ...tiny, '--flows', 'kl,jko,implicit'],
      3,
    );
    // The data once, and the samples of each flow.
    expect(page.match(/data:image\/png/g)?.length).toBe(4);
    expect(page).toMatch(/Time and memory.*kl<\/th>\s*<td>\d+ s<\/td>\s*<td>0\.\d\d GB/s);
    expect(page).toContain('R over that of kl, where neither collapsed');
  });

  it('stability, with a table that counts collapses by λ, δ and bound', async () => {
    const data = tinyImages(temporaryFolder());
    const scale = ['--classes', 'all', '--lambda', '0.001,1e9', '--delta', '0.1,0.2', '--clip', 'none,1e-3'];
    const out = join(temporaryFolder(), 'out');
    const argv = ['reproduce', 'stability', '--data', data, ...tiny, '--iterations', '4', ...scale, '--flows', 'kl'];
    expect(await brownian([...argv, '--out', out])).toMatchObject({ code: 0, err: '' });
    const table = await readFile(join(out, 'table.md'), 'utf8');
    const collapsedOf = (row: string): string | undefined =>
      table
        .split('\n')
        .find((line) => line.startsWith(`| ${row} |`))
        ?.split('|')[2]
        ?.split('·')[0]
        ?.trim();
    const cells = [...(await readResults(out)).values()];
    expect(cells).toHaveLength(8);
    const count = (keep: (settings: Cell['settings']) => boolean): string => {
      const kept = cells.filter(({ settings }) => keep(settings));
      return `${kept.filter(({ measures }) => measures['collapsed'] === 1).length} of ${kept.length}`;
    };
    expect(collapsedOf('all')).toBe(count(() => true));
    expect(collapsedOf('λ 1000000000')).toBe(count(({ lambda }) => lambda === 1e9));
    expect(collapsedOf('δ 0.2')).toBe(count(({ delta }) => delta === 0.2));
    expect(collapsedOf('|θ| ≤ 1e-3')).toBeUndefined();
    expect(collapsedOf('θ free')).toBe(count(({ clip }) => clip === 'none'));
    expect(table).toContain('\\|θ\\| ≤ 1e-3');
    const svg = await readFile(join(out, 'curves.svg'), 'utf8');
    // A line for every run, and the name of the flow.
    expect(svg.match(/stroke="#c4511d"/g)?.length).toBe(8);
    expect(svg).toContain('>kl</text>');
    // A huge λ scatters free weights, and the bound holds them.
    expect(count(({ lambda, clip }) => lambda === 1e9 && clip === 'none')).toBe('2 of 2');
    expect(count(({ clip }) => clip !== 'none')).not.toBe(count(({ clip }) => clip === 'none'));
  });

  const small = ['--images', '4', '--samples', '6', '--network', 'values'];

  it('multigrid: R of every grid, and scores by the network that was named', async () => {
    const page = await run(['multigrid', '--data', images(), '--iterations', '2', ...small], 2, 'distance@3');
    expect(page.match(/data:image\/webp/g)?.length).toBe(2);
    expect(page).toMatch(/<td>3 px: \S+ · finest: \S+<\/td>\s*<td>[\d.]+<\/td>/);
    expect(page).toContain('grid of 3 px');
  });

  it('gcn-mnist: a row per model with its spread over seeds', async () => {
    const models = ['--models', 'gcn@2,wgcn@2', '--seeds', '1,2'];
    const page = await run(['gcn-mnist', '--data', images(), ...models, ...small], 4, 'fid');
    for (const model of ['gcn@2', 'wgcn@2'])
      expect(page).toMatch(new RegExp(`${model}</th>\\s*<td>2</td>\\s*<td>–</td>\\s*<td>[\\d.]+ ± [\\d.e−]+</td>`));
    const wrong = await brownian(['reproduce', 'gcn-mnist', '--models', 'ggcn', '--out', join(temporaryFolder(), 'x')]);
    expect(wrong).toMatchObject({ code: 2 });
    expect(wrong.err).toContain('--models has "ggcn"; it takes gcn, wgcn, with a number of iterations');
  });

  it('vapo-sensitivity: a row per change, a training for all that differ in sampling alone, over seeds', async () => {
    const loose = 'sampling.rtol=0.1+sampling.atol=0.1';
    const scale = ['--iterations', '2', '--samples', '50'];
    const changes = `path.data-std=0.1+path.epsilon=0.001,${loose},sampling.solver=euler+sampling.step-size=0.25`;
    const page = await run(
      ['vapo-sensitivity', ...scale, '--changes', changes, '--seeds', '1,2'],
      6,
      'distance',
      'loss',
    );
    expect(page).toContain(loose);
    expect(page).toContain('over 2 seeds');
    // dopri5 takes at least 6 evaluations of a step, Euler one of each of five quarters; they are of one training.
    const row = page
      .replaceAll(/\s+/g, '')
      .split('<tr>')
      .find((cells) => cells.includes('sampling.solver=euler'));
    expect(row).toContain('<td>5.00±0</td>');
  });

  it('vapo-sensitivity: trains once for rows that differ in sampling', async () => {
    const out = join(temporaryFolder(), 'out');
    const changes = 'none,flow.poincare=0,sampling.t-end=1,sampling.t-end=1.5';
    const argv = ['vapo-sensitivity', '--iterations', '1', '--samples', '20', '--changes', changes];
    const ended = await brownian(['reproduce', ...argv, '--out', out]);
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.out.match(/[^\n]*: 1\/1 iterations/g)).toEqual([
      'none, seed 1: 1/1 iterations',
      'flow.poincare=0, seed 1: 1/1 iterations',
    ]);
    const ends = [...(await readResults(out)).values()].map(({ settings, measures }) => [
      settings['change'],
      measures['distance'],
    ]);
    expect(new Set(ends.map(([, distance]) => distance)).size).toBe(4);
  });

  it('vapo-sensitivity: changes are those of the kind of data, and belong to vapo', async () => {
    const planned = (data: string): unknown[] =>
      vapoSensitivity.plan(readScale(vapoSensitivity, { data })).map(({ settings }) => settings['change']);
    const [points, digits] = [planned('8-gaussians'), planned('mnist')];
    expect(points).toContain('potential.clock=false');
    expect(digits).toContain('potential.clock=true');
    expect(digits).not.toContain('potential.clock=false');
    expect([points[0], points.length, digits.length]).toEqual(['none', 17, 17]);
    for (const [changes, words] of [
      ['langevin.steps=3', 'it takes options of vapo with values'],
      ['path.data-std=0.1+path.nothing=2', 'it takes options of vapo with values'],
      ['path.data-std=-1', '--path.data-std is -1'],
    ] as const) {
      const out = join(temporaryFolder(), 'x');
      const wrong = await brownian(['reproduce', 'vapo-sensitivity', '--changes', changes, '--out', out]);
      expect(wrong.code).not.toBe(0);
      expect(wrong.err).toContain(words);
    }
  });

  it('a class of a data set is all of its items, in their order', async () => {
    const data = imageDataset({
      name: 'two kinds',
      images: { shape: [5, 1, 1], data: Uint8Array.of(0, 51, 102, 153, 255) },
      labels: Int32Array.of(1, 0, 1, 1, 0),
      classes: ['cat', 'dog'],
    });
    const dogs = await classOf(data, 'dog');
    expect([dogs.size, dogs.itemShape]).toEqual([3, [1, 1, 1]]);
    expect(Array.from(float32Data((await dogs.batch([2, 0])).x), (v) => Math.round((v + 1) * 127.5))).toEqual([153, 0]);
    await expect(classOf(data, 'cow')).rejects.toThrow(
      'two kinds has no class "cow"; its classes are cat, dog, and "all" takes images of any.',
    );
  });

  it('cuts patches that lie within the picture and carry its values, at the same places for the same seed', async () => {
    const path = join(temporaryFolder(), 'ramp.png');
    const pixels = Uint8Array.from({ length: 8 * 10 * 3 }, (_, i) => Math.floor(i / 3));
    await sharp(pixels, { raw: { width: 10, height: 8, channels: 3 } })
      .png()
      .toFile(path);
    const { shape, data } = await imagePatches(path, null, { count: 5, size: 4, seed: 3 });
    expect(shape).toEqual([5, 3, 4, 4]);
    expect((await imagePatches(path, null, { count: 5, size: 4, seed: 3 })).data).toEqual(data);
    for (let patch = 0; patch < 5; patch++) {
      const level = (channel: number, row: number, column: number): number =>
        Math.round((Number(data[((patch * 3 + channel) * 4 + row) * 4 + column]) + 1) * 127.5);
      const corner = level(0, 0, 0);
      expect(corner % 10).toBeLessThanOrEqual(6);
      expect(corner).toBeLessThanOrEqual(46);
      expect([level(2, 0, 0), level(1, 3, 0), level(0, 2, 3)]).toEqual([corner, corner + 30, corner + 23]);
    }
    // 10×8 pixels with the shorter side at 4 are 5×4.
    await expect(imagePatches(path, 4, { count: 1, size: 5, seed: 1 })).rejects.toThrow('is 5×4 here;');
    expect((await imagePatches(path, 4, { count: 2, size: 4, seed: 1 })).shape).toEqual([2, 3, 4, 4]);
    await expect(imagePatches(path, null, { count: 1, size: 9, seed: 1 })).rejects.toThrow(
      'is 10×8 here; patches of 9×9 need a larger image.',
    );
  });
});

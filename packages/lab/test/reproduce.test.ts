import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ndarray } from '@brownian/graph';
import { createRuntime, interpreterBackend } from '@brownian/runtime';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { filmWebp } from '../src/images/film.ts';
import { html } from '../src/report/html.ts';
import type { Bench, Cell, Experiment } from '../src/reproduce/experiment.ts';
import { EXPERIMENTS } from '../src/reproduce/experiments.ts';
import { stabilityOf } from '../src/reproduce/measures.ts';
import { numbersOf, readScale } from '../src/reproduce/options.ts';
import { reproduce } from '../src/reproduce/reproduce.ts';
import { readResults } from '../src/reproduce/store.ts';
import { parseFlow } from '../src/reproduce/descriptive.ts';
import { brownian, isOneSentence } from './support/command.ts';
import { temporaryFolder } from './support/files.ts';

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
  return { runtime, task, stop, note: () => undefined };
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
    [['--flows', 'kl,jko'], '--flows has "jko"; a flow is kl, jko-β or implicit-β'],
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

describe('measures of stability', () => {
  const steady = Array.from({ length: 30 }, () => 6);
  const of = (distances: (number | null)[], potential: number, stopped = ''): unknown =>
    stabilityOf({
      curves: { responseDistance: distances, potentialParticles: distances.map(() => potential) },
      stopped,
    });

  it('take the last R and the worst of the last twenty iterations', () => {
    expect(of([50, ...steady.slice(1, 15), 11, ...steady.slice(1, 10), 7], 3)).toEqual({
      finalDistance: 7,
      worstDistance: 11,
      leastDistance: 6,
      meanPotential: 3,
      collapsed: 0,
    });
  });

  it.each([
    ['mean Φ below 0', [...steady], -1, ''],
    ['R above twice its least value', [...steady, 12.1], 1, ''],
    ['an R that is not finite', [...steady, null, 6], 1, ''],
    ['a run that broke off', [...steady], 1, 'not finite in iteration 31'],
  ])('call a run collapsed with %s', (_, distances, potential, stopped) => {
    expect(of(distances, potential, stopped)).toMatchObject({ collapsed: 1 });
  });
});

it('flows are named by kind, β and solver steps', () => {
  expect(['kl', 'jko-60', 'implicit-3e4', 'implicit-300/8'].map(parseFlow)).toEqual([
    { beta: 0, solverSteps: 0 },
    { beta: 60, solverSteps: 0 },
    { beta: 30_000, solverSteps: 3 },
    { beta: 300, solverSteps: 8 },
  ]);
  for (const wrong of ['jko-60/3', 'implicit-300/0', 'jko-0', 'kl-3'])
    expect(() => parseFlow(wrong)).toThrow(`--flows has "${wrong}"`);
});

it('a film has a page per frame and stays on the last', async () => {
  const frame = (value: number): ReturnType<typeof ndarray> =>
    ndarray(new Float32Array(2 * 3 * 4 * 4).fill(value), [2, 3, 4, 4]);
  const film = await filmWebp([frame(-1), frame(0), frame(1)], { columns: 2, scale: 2, gap: 0, delay: 50 });
  const { format, pages, delay, width, pageHeight } = await sharp(film, { animated: true }).metadata();
  expect({ format, pages, delay, width, pageHeight }).toEqual({
    format: 'webp',
    pages: 3,
    delay: [50, 50, 500],
    width: 16,
    pageHeight: 8,
  });
});

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { FIELDS } from '../src/config/fields.ts';
import { METRIC_GUIDE } from '../src/metric-guide.ts';
import { learningCurves } from '../src/report/curves.ts';
import { html, jsonFor, raw } from '../src/report/html.ts';
import { readFacts } from '../src/report/report.ts';
import { renderPage } from '../src/report/page.ts';
import type { MetricsRecord } from '../src/runs/database.ts';
import { readCheckpoint } from '../src/runs/checkpoint.ts';
import { runFiles } from '../src/runs/run.ts';
import { writeScores } from '../src/runs/scores.ts';
import { brownian } from './support/command.ts';
import { temporaryFolder, tinyImages } from './support/files.ts';
import { PROVENANCE } from './support/scores.ts';

/** Trains the fake on tiny images and returns the run's folder. */
async function trained(...flags: readonly string[]): Promise<string> {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const ended = await brownian([
    'train',
    tinyImages(folder),
    '--out',
    out,
    '--iterations',
    '60',
    '--batch-size',
    '4',
    ...flags,
  ]);
  expect(ended).toMatchObject({ code: 0, err: '' });
  return out;
}

describe('html', () => {
  it('escapes text and keeps markup', () => {
    const inner = html`<b>${'<&>'}</b>`;
    expect(html`<p title="${'"'}">${inner}${[1, 'a&b', null]}${raw('<hr>')}</p>`.markup).toBe(
      '<p title="&quot;"><b>&lt;&amp;&gt;</b>1a&amp;b<hr></p>',
    );
  });

  it('cannot be left from inside a script', () => {
    expect(jsonFor({ a: '</script>' }).markup).toBe('{"a":"\\u003c/script>"}');
  });
});

describe('learning curves', () => {
  const records = (metrics: (i: number) => Record<string, number>): MetricsRecord[] =>
    Array.from({ length: 1000 }, (_, i) => ({ iteration: i + 1, seconds: i, metrics: metrics(i) }));

  it('draw known metrics together, unknown ones alone, and constants not at all', () => {
    const charts = learningCurves(
      records((i) => ({
        potentialData: i,
        potentialParticles: -i,
        myOwn: Math.sin(i),
        responseDistance: 1 / (i + 1),
        still: 4,
      })),
    );
    expect(charts.map(({ title }) => title)).toEqual(['Response distance R', 'Mean potential Φ', 'myOwn']);
    expect(charts[1]?.legend.map(({ label }) => label)).toEqual(['data', 'particles']);
    for (const { svg } of charts) expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('use a logarithmic axis when values span decades', () => {
    const [chart] = learningCurves(records((i) => ({ responseDistance: 10 ** (-i / 250) })));
    for (const tick of ['0.1', '0.01', '0.001']) expect(chart?.svg).toContain(`>${tick}</text>`);
  });

  it('stay readable when one value is enormous', () => {
    const [chart] = learningCurves(records((i) => ({ parameterGradientNorm: i === 500 ? 1e9 : 1 + (i % 10) / 10 })));
    expect(chart?.svg).toContain('>1.4</text>');
  });

  it('of several grids are one chart per metric, or where a chart has several metrics one per grid, from the coarsest up', () => {
    const grids = records((i) => ({
      'responseDistance@7': 3 / (i + 1),
      'potentialData@7': i,
      'potentialParticles@7': -i,
      potentialData: 2 * i,
      potentialParticles: -2 * i,
      responseDistance: 1 / (i + 1),
      'myOwn@7': i,
    }));
    const charts = learningCurves(grids).map(({ title, legend }) => [title, legend.map(({ label }) => label)]);
    expect(charts).toEqual([
      ['Response distance R', ['grid of 7 px', 'finest grid']],
      ['Mean potential Φ, grid of 7 px', ['data', 'particles']],
      ['Mean potential Φ, finest grid', ['data', 'particles']],
      ['myOwn@7', []],
    ]);
  });

  it('need two points', () => {
    expect(learningCurves([{ iteration: 1, seconds: 0, metrics: { loss: 1 } }])).toEqual([]);
    expect(learningCurves([])).toEqual([]);
  });

  it('have a chart or a reason for every known metric', () => {
    expect(new Set(METRIC_GUIDE.map(({ name }) => name)).size).toBe(METRIC_GUIDE.length);
  });
});

describe('a report', () => {
  it('has every section, and nothing from outside', async () => {
    const out = await trained('--seed', '5');
    const page = readFileSync(runFiles(out).report, 'utf8');
    for (const heading of [
      'What you see',
      'Watch them emerge',
      'Learning curves',
      'Settings',
      'Time',
      'Machine',
      'Do it again',
    ]) {
      expect(page).toContain(`<h2>${heading}</h2>`);
    }
    for (const { path, families } of FIELDS)
      expect([path, page.includes(`title="${path}: `)]).toEqual([path, families.includes('descriptive')]);
    expect(page).toContain('fake runtime');
    expect(page).toContain(process.version);
    expect(page).toMatch(/brownian train \S+ --out \S+ --iterations 60 --batch-size 4 --seed 5/);
    // The only addresses are names of XML namespaces, which nothing fetches.
    const addresses = [...page.matchAll(/[a-z]+:\/\/[^\s"'<>]+/g)].map(([address]) => address);
    expect(addresses.filter((address) => !address.startsWith('http://www.w3.org/'))).toEqual([]);
    expect(page).not.toMatch(/<link|<script[^>]+src=|@import|url\((?!#)/);
  });

  it('holds the pictures of the run: samples, data and the particles over time', async () => {
    const out = await trained('--grid-every', '20');
    const { frames, samples, realData } = await readFacts(out);
    expect(frames.map(({ iteration }) => iteration)).toEqual([0, 1, 2, 5, 10, 20, 40, 60]);
    expect(frames[0]?.caption).toBe('before training');
    const page = readFileSync(runFiles(out).report, 'utf8');
    for (const png of [samples, realData, frames[3]?.png]) {
      expect(
        Buffer.from(png ?? '', 'base64')
          .subarray(1, 4)
          .toString(),
      ).toBe('PNG');
      expect(page).toContain(png);
    }
    const json = /<script type="application\/json" id="frames">([^<]*)<\/script>/.exec(page)?.[1] ?? '';
    expect(JSON.parse(json)).toEqual(frames);
  });

  it('shows the way from noise to samples: an animation, a still for those who want less motion, and curves over the steps', async () => {
    const out = await trained('--grid-every', '20');
    const { trajectory, frames } = await readFacts(out);
    expect(trajectory?.record.map(({ steps }) => steps)).toEqual([0, 1, 4, 9, 16, 25]);
    const film = await sharp(Buffer.from(trajectory?.film ?? '', 'base64'), { animated: true }).metadata();
    const still = await sharp(Buffer.from(trajectory?.still ?? '', 'base64'), { animated: true }).metadata();
    expect([film.format, film.pages, still.format, still.pages ?? 1]).toEqual(['webp', 6, 'webp', 1]);
    expect([still.width, still.height]).toEqual([film.width, film.pageHeight]);
    const training = await sharp(runFiles(out).trainingFilm, { animated: true }).metadata();
    expect(training.pages).toBe(frames.length);
    const page = readFileSync(runFiles(out).report, 'utf8');
    expect(page).toContain(
      `<source media="(prefers-reduced-motion: reduce)" srcset="data:image/webp;base64,${trajectory?.still}"`,
    );
    expect(page).toContain(`src="data:image/webp;base64,${trajectory?.film}"`);
    for (const text of ['From noise to images', '25 Langevin', 'Energy along the way', 'aria-label="Stop"'])
      expect(page).toContain(text);
  });

  it('explains grids where a model has them', async () => {
    const out = await trained('--model', 'wm-gcn', '--grids.sizes', '3,6');
    const page = readFileSync(runFiles(out).report, 'utf8').replaceAll(/\s+/g, ' ');
    expect(page).toContain('There is such a Φ on each of 2 grids, of 3 and 6 pixels.');
    expect(page).toContain('begin anew on the coarsest grid, and on each grid take 20 such steps');
    expect(page).not.toContain('go on from where an earlier one left them');
  });

  it('leaves the way out when no samples were drawn, and says when its record is damaged', async () => {
    const out = await trained();
    writeFileSync(runFiles(out).trajectory, '[{"steps":-1,"metrics":{}}]');
    expect((await brownian(['report', out])).err).toContain(
      'trajectory.json is damaged: it must be a list of { steps, metrics }',
    );
    rmSync(runFiles(out).trajectory);
    expect((await brownian(['report', out])).code).toBe(0);
    expect(readFileSync(runFiles(out).report, 'utf8')).not.toContain('From noise to images');
  });

  it('marks the settings that were changed', async () => {
    const out = await trained('--langevin.steps', '7');
    const page = readFileSync(runFiles(out).report, 'utf8');
    expect(page).toMatch(/title="langevin.steps: [^"]*the default is \d+"[^]*?class="number changed">7</);
  });

  it('keeps at most sixty moments: the first ones and the last', async () => {
    const out = await trained('--grid-every', '1', '--iterations', '200');
    const { frames } = await readFacts(out);
    expect(frames).toHaveLength(60);
    expect(frames.slice(0, 4).map(({ iteration }) => iteration)).toEqual([0, 1, 2, 3]);
    expect(frames.at(-1)?.iteration).toBe(200);
  });

  it('shows scores when there are any', async () => {
    const out = await trained();
    expect(readFileSync(runFiles(out).report, 'utf8')).not.toContain('Scores');
    await writeScores(out, [
      { name: 'Sharpness <1>', value: 6.4242, error: 0.25, note: 'of 1,000 & more', provenance: PROVENANCE },
    ]);
    expect(await brownian(['report', out])).toMatchObject({ code: 0, out: `Report: ${runFiles(out).report}\n` });
    const page = readFileSync(runFiles(out).report, 'utf8');
    for (const text of [
      'Sharpness &lt;1&gt;',
      '>6.42 ± 0.250<',
      'of 1,000 &amp; more',
      'pair of &lt;eyes&gt;, sha256 0123456789ab',
    ])
      expect(page).toContain(text);
  });

  it('tells the state of a run that did not finish', async () => {
    const out = await trained();
    const facts = await readFacts(out);
    const { record } = facts.run;
    const shown = (status: typeof record.status, message: string | null = null): string =>
      renderPage({ ...facts, samples: null, run: { ...facts.run, record: { ...record, status, message } } });
    expect(shown('running')).toContain('This run had not ended');
    expect(shown('interrupted')).toContain(`brownian resume ${out}`);
    expect(shown('diverged', 'too <steep>')).toContain('too &lt;steep&gt;');
    expect(shown('failed', 'the disk is full')).toMatch(/This run failed.*the disk is full/s);
    expect(shown('running')).toContain('the last that was drawn');
  });

  it('gives commands that work: of a path with a space, and after options were changed', async () => {
    const folder = temporaryFolder();
    const [out, copy] = [join(folder, 'a run'), join(folder, 'copy')];
    const flags = ['--iterations', '3', '--batch-size', '4', '--out', out];
    const { out: told } = await brownian(['train', tinyImages(folder), ...flags]);
    expect(told).toContain(`more with: brownian sample '${out}'\n`);
    const commands = (): string => {
      const page = readFileSync(runFiles(out).report, 'utf8').replaceAll('&#39;', "'");
      return /Do it again.*<\/pre>/s.exec(page)?.[0] ?? '';
    };
    expect(commands()).toContain(`--iterations 3 --batch-size 4 --out '${out}'\n`);
    expect(commands()).toContain(`brownian sample '${out}' --n 100`);
    expect(commands()).toContain(`brownian resume '${out}' --iterations 1000`);
    expect(await brownian(['resume', out, '--iterations', '6'])).toMatchObject({ code: 0, err: '' });
    expect(commands()).toContain(`\nbrownian train --config '${join(out, 'config.json')}'\n`);
    const again = await brownian(['train', '--config', join(out, 'config.json'), '--out', copy]);
    expect(again).toMatchObject({ code: 0, err: '' });
    const [first, second] = await Promise.all([out, copy].map((path) => readCheckpoint(runFiles(path).checkpoint(6))));
    expect(second?.state).toEqual(first?.state);
  });

  it.each([
    ['run.db', 'no database', 'run.db: it is damaged or no SQLite database.'],
    [
      'scores.json',
      '{}',
      'is damaged or of an older version: it must be a list of { name, value, error, note, provenance }',
    ],
    ['run.json', '{"command":"x"}', 'is damaged: it has no valid "created".'],
    ['config.json', '{"seed":1}', '"model" in'],
    ['config.json', '{"model":"gcn","seed":1}', '"data" in'],
  ])('is refused in a sentence when %s is damaged', async (name, content, message) => {
    const out = await trained();
    writeFileSync(join(out, name), content);
    const ended = await brownian(['report', out]);
    expect(ended.code).toBe(1);
    expect(ended.err).toContain(message);
  });
});

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeTensors } from 'brownian';
import { nodeEngine } from '../src/engine.ts';
import { runFiles } from '../src/runs/run.ts';
import { brownian, isOneSentence } from './support/command.ts';
import { fakeEngine } from './support/fake-engine.ts';
import { temporaryFolder, tinyImages } from './support/files.ts';
import { finished, start } from './support/process.ts';
import { PROVENANCE } from './support/scores.ts';

/** A finished run of the fake on tiny images. */
async function finishedRun(): Promise<string> {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const flags = ['--iterations', '6', '--batch-size', '4', '--checkpoint-every', '3'];
  expect(await brownian(['train', tinyImages(folder), '--out', out, ...flags])).toMatchObject({ code: 0 });
  return out;
}

describe('help', () => {
  it.each([
    [[], 'Commands:'],
    [['data'], 'fetch a public data set into the cache'],
    [['reproduce'], '$ brownian reproduce wframe'],
    [['--help'], 'brownian train mnist --minutes 4'],
    [['train', '--help'], '--steps, --langevin.steps <steps>'],
    [['train', '--model', 'pgcn', '--help'], 'Defaults are those of pgcn on'],
    [['resume', '--help'], '$ brownian resume runs/mnist-wgcn-1'],
    [['sample', '--help'], '$ brownian sample runs/mnist-wgcn-1'],
    [['report', '--help'], '$ brownian report runs/mnist-wgcn-1'],
    [['runs', '--help'], '$ brownian runs compare runs/mnist-wgcn-1 runs/mnist-wgcn-2'],
    [['runs', 'export', '--help'], '--format tensorboard --out logs/wgcn'],
    [['--version'], '0.1.0\n'],
  ])('%j', async (argv, text) => {
    const ended = await brownian(argv);
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.out).toContain(text);
  });

  it('gives every example a command that exists', async () => {
    for (const command of ['', 'train', 'resume', 'sample', 'report', 'runs']) {
      const { out } = await brownian([...(command === '' ? [] : [command]), '--help']);
      const examples = [...out.matchAll(/\$ brownian (\S+)/g)].map(([, name]) => name);
      expect(examples.length).toBeGreaterThan(0);
      for (const name of examples) expect(['train', 'resume', 'sample', 'report', 'runs']).toContain(name);
    }
  });
});

describe('a command line that cannot be understood', () => {
  it.each([
    [['fly'], "Unknown command 'fly'; see brownian --help."],
    [['train', 'mnist', '--langevin.step', '3'], 'There is no option --langevin.step; did you mean --langevin.steps?'],
    [['train', 'mnist', '--learningrat', '3'], 'There is no option --learningrat; did you mean --learning-rate?'],
    [['train', 'mnist', '--zzzzzzzz'], 'There is no option --zzzzzzzz; see brownian train --help for all of them.'],
    [['train', 'mnist', '--seed'], 'argument missing; see brownian --help.'],
    [['train', 'mnist', 'more'], 'Too many arguments'],
    [['sample'], "Missing required argument 'run'; see brownian --help."],
    [['train'], 'Say what to learn, for example: brownian train mnist'],
    [
      ['resume', 'x', '--langevin.steps', '3'],
      'There is no option --langevin.steps of brownian resume, it is one of brownian train; see brownian resume --help.',
    ],
    [['sample', 'x', '--sampling.solver', 'euler'], 'There is no option --sampling.solver; did you mean --solver?'],
    [
      ['evaluate', 'x', '--images.size', '8'],
      'There is no option --images.size of brownian evaluate, it is one of brownian train; see brownian evaluate --help.',
    ],
    [
      ['runs', 'compare', '--zzzzzzzz'],
      'There is no option --zzzzzzzz; see brownian runs compare --help for all of them.',
    ],
  ])('%j', async (argv, message) => {
    const ended = await brownian(argv);
    expect(ended.code).toBe(2);
    expect(ended.err).toContain(message);
    expect(isOneSentence(ended.err)).toBe(true);
  });
});

describe('what the user can put right', () => {
  it.each([
    [['train', 'mnits'], 'There is no data called "mnits"; did you mean "mnist"?'],
    [['train', '8-gaussians', '--steps', '0'], '--langevin.steps is 0; it must be a whole number of at least 1.'],
    [['train', '8-gaussians', '--config', 'no.json'], 'Cannot read the configuration file no.json: it does not exist.'],
    [
      ['train', '8-gaussians', '--model', 'began'],
      '--model is "began"; it must be one of pgcn, w-pgcn, gcn, wgcn, m-gcn, wm-gcn, ',
    ],
    [['train', '8-gaussians', '--model', 'pgcn'], '--potential.net is gabor, which takes images'],
    [['sample', 'no/run'], 'no/run is not a run: cannot read no/run/config.json (it does not exist).'],
    [['report', 'no/run'], 'no/run is not a run'],
    [['resume', 'no/run'], 'no/run is not a run'],
    [['sample', 'no/run', '--n', '0'], '--n is "0"; it must be a whole number from 1 to 1000000.'],
  ])('%j', async (argv, message) => {
    const ended = await brownian(argv);
    expect(ended.code).toBe(1);
    expect(ended.err).toContain(message);
    expect(isOneSentence(ended.err)).toBe(true);
  });

  it('a folder that is not empty', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'thesis.tex'), '');
    const ended = await brownian(['train', '8-gaussians', '--out', folder]);
    expect(ended).toMatchObject({ code: 1 });
    expect(ended.err).toBe(
      `brownian: The folder ${folder} is not empty; give another --out, or go on with its run: brownian resume ${folder}.\n`,
    );
  });

  it('checkpoints that are all corrupt', async () => {
    const run = await finishedRun();
    for (const iteration of [3, 6]) writeFileSync(runFiles(run).checkpoint(iteration), 'not a checkpoint');
    for (const command of ['sample', 'resume']) {
      const ended = await brownian([command, run]);
      expect(ended.code).toBe(1);
      expect(ended.err).toMatch(
        /iteration-000006\.safetensors is not a valid safetensors file: .*, and none of the 2 there are is whole; delete /,
      );
      expect(isOneSentence(ended.err)).toBe(true);
    }
  });

  it('a configuration that was changed after the fact', async () => {
    const run = await finishedRun();
    const { config } = runFiles(run);
    writeFileSync(config, readFileSync(config, 'utf8').replace('"seed": 1', '"seed": 2'));
    const ended = await brownian(['sample', run]);
    expect(ended.code).toBe(1);
    expect(ended.err).toContain("was made with other options than the run's config.json now holds");
  });

  it('an error nobody expected is still one sentence, with a stack on request', async () => {
    const out = join(temporaryFolder(), 'run');
    const engine = fakeEngine({
      onStep: () => {
        throw new Error('The moon is in the way.');
      },
    });
    const ended = await brownian(['train', '8-gaussians', '--out', out], engine);
    expect(ended).toMatchObject({
      code: 1,
      err: 'brownian: The moon is in the way. (Run again with --debug for the stack.)\n',
    });
    const debug = await brownian(['train', '8-gaussians', '--out', `${out}2`, '--debug'], engine);
    expect(debug.err).toMatch(/^brownian: The moon is in the way\.\nError: The moon is in the way\.\n\s+at /);
  });
});

describe('train', () => {
  it('takes options from a file, under the flags', async () => {
    const folder = temporaryFolder();
    const [file, out] = [join(folder, 'c.json'), join(folder, 'run')];
    writeFileSync(
      file,
      JSON.stringify({ data: 'rings', iterations: 3, batchSize: 4, langevin: { steps: 9, delta: 0.5 } }),
    );
    const ended = await brownian(['train', '--config', file, '--out', out, '--steps', '7', '--seed', '3']);
    expect(ended).toMatchObject({ code: 0, err: '' });
    const config = JSON.parse(readFileSync(runFiles(out).config, 'utf8')) as unknown;
    expect(config).toMatchObject({ data: 'rings', iterations: 3, seed: 3, langevin: { steps: 7, delta: 0.5 } });
  });

  it('writes the scores that the engine gives', async () => {
    const out = join(temporaryFolder(), 'run');
    const scores = [{ name: 'Roundness', value: 0.5, error: null, note: 'by eye', provenance: PROVENANCE }];
    const engine = { ...fakeEngine(), score: () => Promise.resolve(scores) };
    expect(
      await brownian(['train', 'rings', '--out', out, '--iterations', '2', '--batch-size', '4'], engine),
    ).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(runFiles(out).scores, 'utf8'))).toEqual(scores);
  });
});

describe('sample', () => {
  it('draws the same samples from the same seed, as PNG, .npy and .safetensors', async () => {
    const run = await finishedRun();
    expect((await brownian(['sample', run])).out).toContain(
      `64 samples from iteration 6: ${join(run, 'samples/n64-seed1.png')}`,
    );
    const other = await brownian(['sample', run, '--steps', '3', '--out', join(run, 'deeper', 'still', 'x.npy')]);
    expect(other).toMatchObject({ code: 0, err: '' });
    expect((await brownian(['sample', run, '--steps', '3'])).out).toContain('samples/n64-seed1-steps3.png');
    expect((await sharp(join(run, 'samples/n64-seed1.png')).metadata()).width).toBe((8 * 7 - 1) * 3);
    const files = ['a.safetensors', 'b.safetensors', 'c.safetensors', 'd.npy'].map((name) => join(run, name));
    for (const [i, file] of files.entries()) {
      expect(await brownian(['sample', run, '--n', '5', '--seed', i === 2 ? '8' : '7', '--out', file])).toMatchObject({
        code: 0,
      });
    }
    const [a, b, c] = files.map((file) => readFileSync(file));
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
    const samples = decodeTensors(a ?? new Uint8Array(), 'a').tensors.get('samples');
    expect(samples?.shape).toEqual([5, 1, 6, 6]);
    expect(readFileSync(files[3] ?? '').toString('latin1')).toContain("'shape': (5, 1, 6, 6)");
    expect(await brownian(['sample', run, '--out', 'x.jpg'])).toMatchObject({
      code: 1,
      err: 'brownian: --out is "x.jpg"; its name must end in .png, .npy, .safetensors.\n',
    });
  });
});

describe('brownian sample --size', () => {
  const flags = ['--iterations', '2', '--batch-size', '3', '--steps', '2', '--samples', '2'];

  it('draws textures of another size from weights per channel', { timeout: 60_000 }, async () => {
    const folder = temporaryFolder();
    const [data, run] = [tinyImages(folder), join(folder, 'run')];
    const train = ['train', data, '--model', 'pgcn', '--potential.theta', 'channel', '--out', run, ...flags];
    expect(await brownian(train, { open: nodeEngine.open })).toMatchObject({ code: 0, err: '' });
    const out = join(folder, 'large.npy');
    const sized = ['sample', run, '--n', '2', '--size', '9x14', '--steps', '3', '--out', out];
    expect(await brownian(sized, nodeEngine)).toMatchObject({ code: 0, err: '' });
    expect(readFileSync(out).toString('latin1')).toContain("'shape': (2, 1, 9, 14)");
    for (const size of ['9', '0x4', '9x14x3', 'x']) {
      const ended = await brownian(['sample', run, '--size', size], nodeEngine);
      expect(ended.err).toBe(
        `brownian: --size is "${size}"; it must be a height and a width in pixels such as 128x96.\n`,
      );
    }
  });

  it('says why weights per position are of one size', { timeout: 60_000 }, async () => {
    const folder = temporaryFolder();
    const [data, run] = [tinyImages(folder), join(folder, 'run')];
    await brownian(['train', data, '--model', 'pgcn', '--out', run, ...flags], { open: nodeEngine.open });
    const ended = await brownian(['sample', run, '--size', '9x14'], nodeEngine);
    expect(ended.code).toBe(1);
    expect(ended.err).toContain('"theta" has the shape [52, 6, 6], items of [1, 9, 14] take [52, 9, 14]');
    expect(isOneSentence(ended.err)).toBe(true);
  });
});

describe('the process', () => {
  it('trains points with the real engine, samples, and reports', { timeout: 60_000 }, async () => {
    const folder = temporaryFolder();
    const flags = [
      '--iterations',
      '3',
      '--batch-size',
      '16',
      '--steps',
      '2',
      '--potential.channels',
      '8',
      '--sampling.steps',
      '2',
    ];
    const trained = await finished(start(['train', '8-gaussians', ...flags], { cwd: folder }));
    expect(trained.err).toBe('');
    expect(trained.code).toBe(0);
    expect(trained.out).toMatch(
      /^Training wgcn on 8-gaussians \(20000 items\) with onnxruntime-node .*; the run is in runs\/8-gaussians-wgcn-1\niteration 3\/3 · /,
    );
    expect(existsSync(join(folder, 'runs/8-gaussians-wgcn-1/report.html'))).toBe(true);
    expect(await finished(start(['sample', 'runs/8-gaussians-wgcn-1', '--n', '3'], { cwd: folder }))).toMatchObject({
      code: 0,
      err: '',
    });
  });

  it('ends with code 1 and a sentence on stderr', { timeout: 60_000 }, async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'data/train-images-idx3-ubyte'), Uint8Array.of(1, 2, 3, 4));
    const ended = await finished(start(['train', 'data'], { cwd: folder }));
    expect(ended).toMatchObject({ code: 1, out: '' });
    expect(ended.err).toContain('magic number');
    expect(isOneSentence(ended.err)).toBe(true);
  });

  it('ends with code 130 and a checkpoint when it gets SIGINT', { timeout: 60_000 }, async () => {
    const folder = temporaryFolder();
    const flags = ['--iterations', '1000000', '--batch-size', '16', '--steps', '1', '--potential.channels', '8'];
    const child = start(['train', 'rings', ...flags], { cwd: folder });
    const ended = finished(child);
    const grid = join(folder, 'runs/rings-wgcn-1/samples/iteration-000001.png');
    while (!existsSync(grid) && child.exitCode === null) await new Promise((done) => void setTimeout(done, 50));
    child.kill('SIGINT');
    const { code, out } = await ended;
    expect(code).toBe(130);
    expect(out).toContain('Go on with: brownian resume runs/rings-wgcn-1');
  });
});

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import { readMetrics } from '../src/runs/database.ts';
import { lockRun } from '../src/runs/lock.ts';
import { openRun, runFiles, writeRecord } from '../src/runs/run.ts';
import { writeScores } from '../src/runs/scores.ts';
import { textTable } from '../src/text-table.ts';
import { brownian } from './support/command.ts';
import { temporaryFolder, tinyImages } from './support/files.ts';
import { PROVENANCE } from './support/scores.ts';

/** Trains the fake on tiny images, as `name` in a folder of runs. */
async function trained(runs: string, name: string, ...flags: readonly string[]): Promise<string> {
  const out = join(runs, name);
  mkdirSync(runs, { recursive: true });
  const data = existsSync(join(runs, 'train-images-idx3-ubyte')) ? runs : tinyImages(runs);
  const argv = ['train', data, '--out', out, '--iterations', '60', '--batch-size', '4', '--grid-every', '30', ...flags];
  expect(await brownian(argv)).toMatchObject({ code: 0, err: '' });
  return out;
}

describe('brownian runs', () => {
  it('lists the runs of a folder, oldest first, with how they are doing', async () => {
    const folder = temporaryFolder();
    const [first, second, third] = [
      await trained(folder, 'z-first'),
      await trained(folder, 'b', '--model', 'gcn'),
      await trained(folder, 'c'),
    ];
    await writeScores(first, [{ name: 'Sharpness', value: 6.42, error: null, note: '', provenance: PROVENANCE }]);
    const { record } = await openRun(second);
    for (const run of [second, third]) await writeRecord(run, { ...record, status: 'running', iterations: 0 });
    const lock = await lockRun(third);
    const { code, out, err } = await brownian(['runs', 'list', folder]);
    lock.release();
    expect([code, err]).toEqual([0, '']);
    const [head, , ...rows] = out.trimEnd().split('\n');
    expect(head?.split(/ {2,}/)).toEqual(['run', 'model', 'data', 'iterations', 'state', 'score', 'started (UTC)']);
    const when = /^\d{4}-\d\d-\d\d \d\d:\d\d$/;
    expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
      [first, 'wgcn', basename(folder), '60/60', 'finished', 'Sharpness 6.42', expect.stringMatching(when)],
      [second, 'gcn', basename(folder), '60/60', 'killed', '–', expect.stringMatching(when)],
      [third, 'wgcn', basename(folder), '60/60', 'running', '–', expect.stringMatching(when)],
    ]);
  });

  it('shows the newest FID of each, and says when they do not compare', async () => {
    const folder = temporaryFolder();
    const [a, b] = [await trained(folder, 'a'), await trained(folder, 'b')];
    const is = { name: 'IS', value: 2, error: null, note: '', provenance: { ...PROVENANCE, metric: 'is' } };
    const fid = { ...is, name: 'FID', value: 53.1, provenance: { ...PROVENANCE, metric: 'fid' } };
    const later = { ...fid, value: 24.3, provenance: { ...fid.provenance, samples: 5000 } };
    for (const run of [a, b]) await writeScores(run, [is, fid, later]);
    const same = (await brownian(['runs', 'list', folder])).out;
    expect(same.match(/FID 24\.3/g)).toHaveLength(2);
    expect(same).not.toContain('Not all of these scores compare');
    await writeScores(b, [is, fid]);
    const { out } = await brownian(['runs', 'list', folder]);
    expect(out).toMatch(/FID 53\.1 /);
    expect(out).toContain('Not all of these scores compare; brownian runs compare says what each was measured with.\n');
  });

  it('leaves out what it cannot read, and says why', async () => {
    const folder = temporaryFolder();
    const run = await trained(folder, 'run');
    writeFileSync(runFiles(run).record, '{}');
    mkdirSync(join(folder, 'notes'));
    const { code, out } = await brownian(['runs', 'list', folder]);
    expect(code).toBe(0);
    expect(out).toContain(`There are no runs in ${folder}; make one with: brownian train mnist`);
    expect(out).toMatch(/Left out: .*run\.json is damaged/);
    expect(out).toMatch(/Left out: .*notes is not a run/);
    expect(await brownian(['runs', 'list', join(folder, 'none')])).toMatchObject({
      code: 1,
      err: `brownian: Cannot read ${join(folder, 'none')}: it does not exist.\n`,
    });
  });
});

describe('brownian runs compare', () => {
  it('prints what differs and the results, and draws the curves of all on one page', async () => {
    const folder = temporaryFolder();
    const a = await trained(folder, 'a', '--langevin.steps', '7');
    const b = await trained(folder, 'b', '--langevin.steps', '9', '--seed', '2');
    await writeScores(b, [{ name: 'Sharpness <1>', value: 6.42, error: null, note: '', provenance: PROVENANCE }]);
    const page = join(folder, 'comparison.html');
    const { code, out, err } = await brownian(['runs', 'compare', a, b]);
    expect([code, err]).toEqual([0, '']);
    const cells = out.split('\n').map((line) => line.split(/ {2,}/));
    expect(cells).toContainEqual(['langevin.steps', '7', '9']);
    expect(cells).toContainEqual(['seed', '1', '2']);
    expect(cells.filter(([name]) => name === 'model')).toEqual([]);
    expect(cells).toContainEqual(['Sharpness <1>', '–', '6.42']);
    // The fake's response distance is 1 / iteration: the median of the last fifty is at iteration 36 or 35.
    expect(cells).toContainEqual(['responseDistance', '0.0286', '0.0286']);
    const html = readFileSync(page, 'utf8').replaceAll(/(?<=base64,)[^"]+/g, '');
    for (const text of [
      '2 runs on',
      'Sharpness &lt;1&gt;',
      'langevin.steps',
      'Mean potential Φ, data',
      'data:image/png',
    ])
      expect(html).toContain(text);
    for (const color of ['#c4511d', '#2b7bb9']) expect(html.split(`stroke="${color}"`).length).toBeGreaterThan(3);
    expect(html).not.toMatch(/NaN|undefined|<link|<script[^>]+src=/);
  });

  it('puts into one row only scores that were measured with the same things, and says with what', async () => {
    const folder = temporaryFolder();
    const [a, b] = [await trained(folder, 'a'), await trained(folder, 'b')];
    const fid = { name: 'FID', value: 53.1, error: null, note: '', provenance: { ...PROVENANCE, metric: 'fid' } };
    const other = { ...fid.provenance, samples: 20, network: { name: 'another', hash: 'f'.repeat(64) } };
    await writeScores(a, [fid, { ...fid, value: 60, provenance: other }]);
    await writeScores(b, [{ ...fid, value: 24.3, provenance: other }]);
    const { out } = await brownian(['runs', 'compare', a, b]);
    const cells = out.split('\n').map((line) => line.split(/ {2,}/));
    expect(cells.filter(([name]) => name?.startsWith('FID'))).toEqual([
      ['FID [1]', '53.1', '–'],
      ['FID [2]', '60', '24.3'],
    ]);
    expect(out).toContain(
      '[1] 1,000 samples against 500 items of circles (test split); network: a pair of <eyes>, sha256 0123456789ab\n',
    );
    expect(out).toContain('[2] 20 samples against 500 items of circles (test split); network: another, sha256 ffff');
    expect(readFileSync(join(folder, 'comparison.html'), 'utf8')).toContain('[2] 20 samples against');
    await writeScores(b, [{ ...fid, value: 24.3, provenance: { ...fid.provenance, seed: 8 } }]);
    await writeScores(a, [fid]);
    const same = await brownian(['runs', 'compare', a, b]);
    expect(same.out.split('\n').map((line) => line.split(/ {2,}/))).toContainEqual(['FID', '53.1', '24.3']);
    expect(same.out).toContain('Scores: 1,000 samples against');
  });

  it('needs two runs', async () => {
    const run = await trained(temporaryFolder(), 'run');
    expect(await brownian(['runs', 'compare', run])).toMatchObject({
      code: 1,
      err: 'brownian: Name at least two runs to compare; 1 was given.\n',
    });
  });
});

describe('brownian runs delete', () => {
  it('asks, deletes on yes, and nothing otherwise', async () => {
    const run = await trained(temporaryFolder(), 'run');
    expect((await brownian(['runs', 'delete', run], undefined, '')).out).toBe('Nothing was deleted.\n');
    expect((await brownian(['runs', 'delete', run], undefined, 'no')).out).toBe('Nothing was deleted.\n');
    const unasked = await brownian(['runs', 'delete', run]);
    expect(unasked).toMatchObject({ code: 1 });
    expect(unasked.err).toBe(
      `brownian: There is nobody to answer "Delete ${run} for good?"; give --yes to go ahead without asking.\n`,
    );
    expect(existsSync(run)).toBe(true);
    expect(await brownian(['runs', 'delete', run], undefined, 'y')).toMatchObject({ code: 0, out: `Deleted ${run}\n` });
    expect(existsSync(run)).toBe(false);
  });

  it('refuses a run in progress and what is no run, and then deletes none', async () => {
    const folder = temporaryFolder();
    const [idle, busy] = [await trained(folder, 'idle'), await trained(folder, 'busy')];
    const lock = await lockRun(busy);
    const refused = await brownian(['runs', 'delete', idle, busy, '--yes']);
    lock.release();
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(`${busy} is in use by process ${process.pid}`);
    expect((await brownian(['runs', 'delete', idle, folder, '--yes'])).err).toContain(`${folder} is not a run`);
    expect([existsSync(idle), existsSync(busy)]).toEqual([true, true]);
    expect(await brownian(['runs', 'delete', idle, busy, '--yes'])).toMatchObject({ code: 0, err: '' });
    expect([existsSync(idle), existsSync(busy)]).toEqual([false, false]);
  });
});

/** CRC-32C bit by bit, as its definition has it (Castagnoli, reflected polynomial 0x82f63b78). */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

/** The messages of a TFRecord file; checks every checksum. */
function recordsOf(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const messages: Uint8Array[] = [];
  const check = (at: number, bytes: Uint8Array): void => {
    const rotated = (view.getUint32(at, true) - 0xa282_ead8) >>> 0;
    expect(((rotated << 15) | (rotated >>> 17)) >>> 0).toBe(crc32c(bytes));
  };
  for (let at = 0; at < file.length;) {
    const length = Number(view.getBigUint64(at, true));
    check(at + 8, file.subarray(at, at + 8));
    const data = file.subarray(at + 12, at + 12 + length);
    check(at + 12 + length, data);
    messages.push(data);
    at += 16 + length;
  }
  return messages;
}

/** The fields of a protobuf message by number: bytes, or numbers. */
function fieldsOf(bytes: Uint8Array, doubles: readonly number[] = []): Map<number, (Uint8Array | number)[]> {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, (Uint8Array | number)[]>();
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    const readers = [
      () => Number(reader.int64()),
      () => (doubles.includes(number) ? reader.double() : NaN),
      () => reader.bytes(),
    ];
    const value = wire === WireType.Bit32 ? reader.float() : (readers[wire]?.() ?? NaN);
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

const text = (value: unknown): string => new TextDecoder().decode(value as Uint8Array);

describe('brownian runs export', () => {
  it('checks itself against the known checksum', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe306_9283);
  });

  it('writes CSV that has every number with all its digits', async () => {
    const folder = temporaryFolder();
    const run = await trained(folder, 'run');
    const file = join(folder, 'metrics.csv');
    const ended = await brownian(['runs', 'export', run, '--format', 'csv', '--out', file]);
    expect(ended).toMatchObject({ code: 0, err: '' });
    const [head, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\r\n');
    const names = (head ?? '').split(',');
    expect(names.slice(0, 2)).toEqual(['iteration', 'seconds']);
    const read = lines.map((line) => {
      const [iteration, seconds, ...values] = line.split(',').map(Number);
      return { iteration, seconds, metrics: Object.fromEntries(names.slice(2).map((name, i) => [name, values[i]])) };
    });
    expect(read).toEqual(readMetrics(runFiles(run).database));
  });

  it('writes an event file that TensorBoard reads: version, scalars, pictures, checksums', async () => {
    const folder = temporaryFolder();
    const run = await trained(folder, 'run');
    const logs = join(folder, 'logs', 'run');
    const ended = await brownian(['runs', 'export', run, '--format', 'tensorboard', '--out', logs]);
    expect(ended).toMatchObject({ code: 0, err: '' });
    const [name = ''] = readdirSync(logs);
    expect(name).toMatch(/^events\.out\.tfevents\.\d+\./);
    const [version, ...events] = recordsOf(readFileSync(join(logs, name))).map((bytes) => fieldsOf(bytes, [1]));
    expect(text(version?.get(3)?.[0])).toBe('brain.Event:2');
    const created = Date.parse((await openRun(run)).record.created) / 1000;
    expect(version?.get(1)?.[0]).toBe(created);
    const scalars: { step: unknown; tag: string; value: unknown; wall: unknown }[] = [];
    const images: { step: unknown; tag: string; size: unknown[]; png: unknown }[] = [];
    for (const event of events) {
      for (const value of fieldsOf(event.get(5)?.[0] as Uint8Array).get(1) ?? []) {
        const fields = fieldsOf(value as Uint8Array);
        const tag = text(fields.get(1)?.[0]);
        const step = event.get(2)?.[0];
        const image = fields.get(4)?.[0];
        if (image === undefined) scalars.push({ step, tag, value: fields.get(2)?.[0], wall: event.get(1)?.[0] });
        else {
          const parts = fieldsOf(image as Uint8Array);
          images.push({ step, tag, size: [1, 2, 3].map((i) => parts.get(i)?.[0]), png: parts.get(4)?.[0] });
        }
      }
    }
    const records = readMetrics(runFiles(run).database);
    expect(scalars).toEqual(
      records.flatMap(({ iteration, seconds, metrics }) =>
        Object.entries(metrics).map(([tag, value]) => ({
          step: iteration,
          tag,
          value: Math.fround(value),
          wall: created + seconds,
        })),
      ),
    );
    expect(images.map(({ step, tag }) => [step, tag])).toEqual(
      [0, 1, 2, 5, 10, 20, 30, 60].map((step) => [step, 'particles']),
    );
    for (const { step, size, png } of images) {
      const file = readFileSync(runFiles(run).grid(step as number));
      expect(Buffer.from(png as Uint8Array).equals(file)).toBe(true);
      // Width and height stand at bytes 16 and 20 of a PNG.
      expect(size).toEqual([file.readUInt32BE(20), file.readUInt32BE(16), 3]);
    }
  });

  it.each([
    ['xml', '--format is "xml"; it must be one of csv, tensorboard.'],
    ['toString', '--format is "toString"; it must be one of csv, tensorboard.'],
  ])('refuses the format %s', async (format, message) => {
    const ended = await brownian(['runs', 'export', 'x', '--format', format, '--out', 'y']);
    expect(ended).toMatchObject({ code: 1, err: `brownian: ${message}\n` });
  });
});

describe('a text table', () => {
  it('aligns columns, also those with letters beyond ASCII', () => {
    expect(
      textTable([
        ['a', 'Φ data'],
        ['longer', '1'],
        ['x', ''],
      ]),
    ).toEqual(['a       Φ data', '──────  ──────', 'longer  1', 'x']);
    expect(textTable([])).toEqual([]);
  });
});

import { copyFileSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type MetricsRecord, lastIteration, openDatabase, readEvents, readMetrics } from '../src/runs/database.ts';
import { atOnce, guarded, openToWrite } from '../src/runs/sqlite.ts';
import { temporaryFolder } from './support/files.ts';

const records = (from: number, to: number): MetricsRecord[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({
    iteration: from + i,
    seconds: (from + i) / 3,
    metrics: { loss: Math.sin(from + i), 'Φ "data"': 5e-324 },
  }));

describe("a run's database", () => {
  it('gives back what was appended, bit for bit and in order', () => {
    const file = join(temporaryFolder(), 'run.db');
    const db = openDatabase(file);
    db.append(records(4, 9));
    db.append(records(1, 3));
    expect(readMetrics(file)).toEqual(records(1, 9));
    expect(lastIteration(file)).toBe(9);
    db.close();
    expect(readMetrics(file)).toEqual(records(1, 9));
  });

  it('is read while it is written, and shows what is committed', () => {
    const file = join(temporaryFolder(), 'run.db');
    const db = openDatabase(file);
    for (let i = 1; i <= 20; i++) {
      db.append(records(i, i));
      expect(lastIteration(file)).toBe(i);
    }
    db.close();
  });

  it('has one row for an iteration that is measured again, and none after a rewind', () => {
    const file = join(temporaryFolder(), 'run.db');
    const db = openDatabase(file);
    db.append(records(1, 10));
    db.append([{ iteration: 10, seconds: 0, metrics: { loss: 7 } }]);
    expect(readMetrics(file).at(-1)).toEqual({ iteration: 10, seconds: 0, metrics: { loss: 7 } });
    db.rewind(6);
    expect(readMetrics(file)).toEqual(records(1, 6));
    db.close();
  });

  it('keeps events in the order in which they came, through rewinds', () => {
    const file = join(temporaryFolder(), 'run.db');
    const db = openDatabase(file);
    const event = { time: '2026-01-01T00:00:00.000Z', kind: 'rolled back', iteration: 3, message: "it's Φ" } as const;
    db.addEvent({ ...event, kind: 'started', iteration: 0 });
    db.addEvent(event);
    db.rewind(0);
    expect(readEvents(file)).toEqual([{ ...event, kind: 'started', iteration: 0 }, event]);
    db.close();
  });

  it('is one file once it is closed', () => {
    const folder = temporaryFolder();
    const file = join(folder, 'run.db');
    const db = openDatabase(file);
    db.append(records(1, 50));
    db.close();
    expect(statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBe(0);
    copyFileSync(file, join(folder, 'copy.db'));
    expect(readMetrics(join(folder, 'copy.db'))).toHaveLength(50);
  });

  it('that does not exist has nothing in it, and reading makes none', () => {
    const file = join(temporaryFolder(), 'run.db');
    expect([readMetrics(file), readEvents(file), lastIteration(file)]).toEqual([[], [], 0]);
    expect(existsSync(file)).toBe(false);
  });

  it.each([
    [
      'rows that are no metrics',
      `UPDATE metrics SET metrics = '{"loss":"x"}'`,
      'the metrics of iteration 1 are not numbers',
    ],
    ['a newer format', 'PRAGMA user_version = 99', 'was written by a newer Brownian (format 99, known is 1)'],
  ])('with %s is refused in a sentence', (_name, sql, message) => {
    const file = join(temporaryFolder(), 'run.db');
    const db = openDatabase(file);
    db.append(records(1, 1));
    db.close();
    openToWrite(file).exec(sql);
    expect(() => readMetrics(file)).toThrow(message);
  });

  it('that is no database is refused in a sentence', () => {
    const file = join(temporaryFolder(), 'run.db');
    writeFileSync(file, 'metrics');
    expect(() => readMetrics(file)).toThrow(`Cannot read ${file}: it is damaged or no SQLite database.`);
    expect(() => openDatabase(file)).toThrow(`Cannot write ${file}: it is damaged or no SQLite database.`);
  });

  it('on a full disk is refused in a sentence, and keeps what was committed', () => {
    const file = join(temporaryFolder(), 'run.db');
    const db = openDatabase(file);
    db.append(records(1, 5));
    db.close();
    const full = openToWrite(file);
    // To SQLite a limit of pages is what a full disk is.
    full.pragma('max_page_count = 6');
    const insert = full.prepare('INSERT INTO metrics VALUES (?, 0, ?)');
    const fill = (): void => {
      for (let i = 6; i < 1000; i++) insert.run(i, '{}'.padEnd(1000));
    };
    expect(() => guarded('write', file, () => atOnce(full, fill))).toThrow(`Cannot write ${file}: the disk is full.`);
    expect(readMetrics(file)).toEqual(records(1, 5));
  });
});

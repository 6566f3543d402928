import { z } from 'zod';
import { UserError } from '../errors.ts';
import { type Sqlite, atOnce, guarded, openToRead, openToWrite } from './sqlite.ts';

/** What one iteration measured. */
export interface MetricsRecord {
  /** Iterations done, from 1. */
  readonly iteration: number;
  /** Seconds since training began, over all resumes. */
  readonly seconds: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Something that happened to a run, for its history. */
export interface RunEvent {
  /** When, ISO 8601. */
  readonly time: string;
  readonly kind:
    | 'started'
    | 'resumed'
    | 'checkpoint damaged'
    | 'rolled back'
    | 'diverged'
    | 'interrupted'
    | 'out of time'
    | 'failed'
    | 'finished';
  /** Iterations done at that moment. */
  readonly iteration: number;
  /** The rest in words; '' when the kind says all. */
  readonly message: string;
}

/** A run's database while the run goes on. One process writes it; any number may read at the same time. */
export interface RunDatabase {
  /** Adds records, all or none; they are on disk when this returns. */
  append(records: readonly MetricsRecord[]): void;
  addEvent(event: RunEvent): void;
  /** Deletes the metrics after an iteration, which are about to be measured again. */
  rewind(iteration: number): void;
  /** Leaves everything in the one file. */
  close(): void;
}

const VERSION = 1;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS metrics (
    iteration INTEGER PRIMARY KEY,
    seconds REAL NOT NULL,
    metrics TEXT NOT NULL -- JSON, by name
  );
  CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY,
    time TEXT NOT NULL, -- ISO 8601
    kind TEXT NOT NULL,
    iteration INTEGER NOT NULL,
    message TEXT NOT NULL
  );
  PRAGMA user_version = ${VERSION};
`;

/**
 * Opens the database of a run that this process alone writes.
 *
 * A write-ahead log lets others read meanwhile, and `synchronous = FULL` puts each commit on disk before it counts: a process
 * that is killed, or a power cut, leaves all commits or none of the last.
 *
 * @throws UserError when it cannot be written, now or later.
 */
export function openDatabase(file: string): RunDatabase {
  const db = guarded('write', file, () => {
    const opened = openToWrite(file);
    opened.pragma('journal_mode = WAL');
    opened.pragma('synchronous = FULL');
    opened.exec(SCHEMA);
    return opened;
  });
  // Replacing makes an iteration that is done again one row, come what may.
  const insert = db.prepare('INSERT OR REPLACE INTO metrics VALUES (?, ?, ?)');
  const insertEvent = db.prepare('INSERT INTO events (time, kind, iteration, message) VALUES (?, ?, ?, ?)');
  const remove = db.prepare('DELETE FROM metrics WHERE iteration > ?');
  const addAll = (records: readonly MetricsRecord[]): void => {
    for (const { iteration, seconds, metrics } of records) insert.run(iteration, seconds, JSON.stringify(metrics));
  };
  return {
    append: (records) => guarded('write', file, () => atOnce(db, () => addAll(records))),
    addEvent: ({ time, kind, iteration, message }) =>
      guarded('write', file, () => void insertEvent.run(time, kind, iteration, message)),
    rewind: (iteration) => guarded('write', file, () => void remove.run(iteration)),
    close: () =>
      guarded('write', file, () => {
        db.pragma('wal_checkpoint(TRUNCATE)');
        db.close();
      }),
  };
}

function query<T>(file: string, read: (db: Sqlite) => T, none: T): T {
  return guarded('read', file, () => {
    const db = openToRead(file);
    if (db === undefined) return none;
    try {
      // A run that was killed as it began has a file without tables.
      const version = (db.prepare('PRAGMA user_version').all()[0] as { readonly user_version: number }).user_version;
      if (version > VERSION)
        throw new UserError(`${file} was written by a newer Brownian (format ${version}, known is ${VERSION}).`);
      return version === 0 ? none : read(db);
    } finally {
      db.close();
    }
  });
}

const METRICS = z.record(z.string(), z.number());

function metricsOf(file: string, iteration: number, text: string): MetricsRecord['metrics'] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = METRICS.safeParse(value);
  if (!parsed.success)
    throw new UserError(`${file} is damaged: the metrics of iteration ${iteration} are not numbers.`);
  return parsed.data;
}

/** The metrics of a run in the order of iterations; a missing file has none. @throws UserError when it is damaged. */
export function readMetrics(file: string): MetricsRecord[] {
  const rows = query(
    file,
    (db) => db.prepare('SELECT iteration, seconds, metrics FROM metrics ORDER BY iteration').all(),
    [],
  ) as readonly { readonly iteration: number; readonly seconds: number; readonly metrics: string }[];
  return rows.map(({ iteration, seconds, metrics }) => ({
    iteration,
    seconds,
    metrics: metricsOf(file, iteration, metrics),
  }));
}

/** The last iteration that has metrics; 0 when there is none. @throws UserError when the file cannot be read. */
export function lastIteration(file: string): number {
  const rows = query(file, (db) => db.prepare('SELECT max(iteration) AS last FROM metrics').all(), []);
  return (rows as readonly { readonly last: number | null }[])[0]?.last ?? 0;
}

/** What happened to a run, oldest first. @throws UserError when the file cannot be read. */
export function readEvents(file: string): RunEvent[] {
  const read = (db: Sqlite): unknown[] =>
    db.prepare('SELECT time, kind, iteration, message FROM events ORDER BY id').all();
  return query(file, read, []) as RunEvent[];
}

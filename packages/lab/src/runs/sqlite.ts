import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import Database from 'libsql';
import { UserError, systemCode } from '../errors.ts';

/** An open database file. */
export type Sqlite = InstanceType<typeof Database>;

/** How long a connection waits for another that writes, in milliseconds. */
const PATIENCE = 5000;

const REASONS: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^SQLITE_FULL/, 'the disk is full'],
  [/^SQLITE_READONLY/, 'it is read-only'],
  [/^SQLITE_BUSY/, 'another process is using it'],
  [/^SQLITE_(NOTADB|CORRUPT)/, 'it is damaged or no SQLite database'],
  [/^SQLITE_CANTOPEN/, 'it cannot be opened'],
  [/^SQLITE_IOERR_WRITE/, 'the system refused to write it'],
  [/^SQLITE_IOERR/, 'the system could not read or write it'],
];

// The binding reports a failure to open as text that ends in SQLite's number for SQLITE_CANTOPEN.
const CANNOT_OPEN = /Unable to open connection.*: 14"?\)?$/;

/** SQLite's name of an error, such as `SQLITE_BUSY`; undefined for other errors. */
export function sqliteCode(error: unknown): string | undefined {
  const code = systemCode(error);
  if (code?.startsWith('SQLITE_') === true) return code;
  return error instanceof Error && CANNOT_OPEN.test(error.message) ? 'SQLITE_CANTOPEN' : undefined;
}

/**
 * Runs what uses a database.
 *
 * @param verb what it does to the file, such as "write".
 * @throws UserError in place of SQLite's errors.
 */
export function guarded<T>(verb: 'read' | 'write', file: string, task: () => T): T {
  try {
    return task();
  } catch (error) {
    const code = sqliteCode(error);
    if (code === undefined) throw error;
    const reason = REASONS.find(([pattern]) => pattern.test(code))?.[1] ?? code;
    throw new UserError(`Cannot ${verb} ${file}: ${reason}.`, { cause: error });
  }
}

/** Opens a database to write it; makes the file when there is none. */
export function openToWrite(file: string, patience: number = PATIENCE): Sqlite {
  return new Database(file, { timeout: patience });
}

/**
 * Opens a database to read it, also while another process writes it and on a file system that cannot be written.
 *
 * @returns undefined when there is no such file.
 */
export function openToRead(file: string): Sqlite | undefined {
  if (!existsSync(file)) return undefined;
  const url = pathToFileURL(file).href;
  const open = (mode: string): Sqlite => {
    const db = new Database(`${url}?${mode}`, { timeout: PATIENCE });
    db.prepare('SELECT count(*) FROM sqlite_schema').all();
    return db;
  };
  try {
    return open('mode=ro');
  } catch (error) {
    // A reader of a write-ahead log shares memory through a file beside it. Where that cannot be made, nobody writes either.
    if (sqliteCode(error) !== 'SQLITE_CANTOPEN') throw error;
    return open('immutable=1');
  }
}

/**
 * Does all of `task` or nothing of it. (The binding's own `transaction` rolls back what a full disk has rolled back already, and
 * so hides why it failed.)
 */
export function atOnce(db: Sqlite, task: () => void): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    task();
    db.exec('COMMIT');
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

import { constants, existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { hostname } from 'node:os';
import { UserError, fileProblem } from '../errors.ts';
import { runFiles } from './run.ts';
import { type Sqlite, guarded, openToWrite, sqliteCode } from './sqlite.ts';

/** The process that works on a run. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** Since when, ISO 8601. */
  readonly since: string;
}

/** The right to change a run. */
export interface RunLock {
  release(): void;
}

/** Another process is let finish its first write, in milliseconds. */
const PATIENCE = 500;

function readHolder(db: Sqlite): LockHolder | undefined {
  return db.prepare('SELECT pid, host, since FROM holder').all()[0] as LockHolder | undefined;
}

function refusal(path: string, { pid, host, since }: LockHolder, remedy: string): UserError {
  return new UserError(`${path} is in use by process ${pid} on ${host} since ${since.slice(0, 19)}Z; ${remedy}.`);
}

/** Takes the lock of the file itself, or throws what says who has it. */
function hold(db: Sqlite, path: string): void {
  try {
    db.exec('CREATE TABLE IF NOT EXISTS holder (pid INTEGER, host TEXT, since TEXT)');
    db.exec('BEGIN IMMEDIATE');
  } catch (error) {
    if (sqliteCode(error) !== 'SQLITE_BUSY') throw error;
    const holder = readHolder(db);
    if (holder === undefined) throw error;
    throw refusal(path, holder, 'wait until it has ended, or stop it');
  }
}

/**
 * Takes a run for this process, so that no second one changes it.
 *
 * The lock is the system's own on `run.lock`, held by an open transaction: it ends with the process, however that ends, so there
 * are no stale locks on one machine. The file also tells who has it. Where the name of another machine was left in it, the lock
 * of a shared file system may not reach that far, so a person has to decide.
 *
 * @throws UserError naming the process that has the run, or why the folder cannot be written.
 */
export async function lockRun(path: string): Promise<RunLock> {
  const file = runFiles(path).lock;
  try {
    await access(path, constants.W_OK);
  } catch (error) {
    throw new UserError(`Cannot write ${path}: ${fileProblem(error)}.`, { cause: error });
  }
  return guarded('write', file, () => {
    const db = openToWrite(file, PATIENCE);
    hold(db, path);
    const before = readHolder(db);
    const host = hostname();
    if (before !== undefined && before.host !== host) {
      db.exec('ROLLBACK');
      throw refusal(path, before, `if that process has ended, delete ${file} and try again`);
    }
    const quoted = `'${host.replaceAll("'", "''")}'`;
    db.exec(`DELETE FROM holder; INSERT INTO holder VALUES (${process.pid}, ${quoted}, '${new Date().toISOString()}')`);
    // Others can read who has the lock only after a commit; the next transaction then keeps it.
    db.exec('COMMIT');
    hold(db, path);
    return {
      release() {
        try {
          db.exec('DELETE FROM holder; COMMIT');
        } catch {
          // On a full disk the name stays; the lock itself ends all the same.
          if (db.inTransaction) db.exec('ROLLBACK');
        }
        db.close();
      },
    };
  });
}

/** The process that works on a run now, or undefined. A run that cannot be written is not worked on. */
export function lockHolder(path: string): LockHolder | undefined {
  const file = runFiles(path).lock;
  if (!existsSync(file)) return undefined;
  try {
    const db = openToWrite(file, 0);
    try {
      db.exec('BEGIN IMMEDIATE');
      db.exec('ROLLBACK');
      const left = readHolder(db);
      return left === undefined || left.host === hostname() ? undefined : left;
    } catch (error) {
      if (sqliteCode(error) !== 'SQLITE_BUSY') return undefined;
      return readHolder(db);
    } finally {
      db.close();
    }
  } catch {
    return undefined;
  }
}

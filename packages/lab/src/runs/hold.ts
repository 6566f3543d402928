import { type RunDatabase, openDatabase } from './database.ts';
import { lockRun } from './lock.ts';
import { runFiles } from './run.ts';

/**
 * Does something to a run that no other process may do at the same time.
 *
 * @throws UserError when another process has the run, when its folder cannot be written, and whatever `task` throws.
 */
export async function holdRun<T>(path: string, task: (database: RunDatabase) => Promise<T>): Promise<T> {
  const lock = await lockRun(path);
  try {
    const database = openDatabase(runFiles(path).database);
    let result: T;
    try {
      result = await task(database);
    } catch (error) {
      // A full disk may make closing fail as well; the first error is the one to tell.
      try {
        database.close();
      } catch {
        // The log stays beside the database and is read with it.
      }
      throw error;
    }
    database.close();
    return result;
  } finally {
    lock.release();
  }
}

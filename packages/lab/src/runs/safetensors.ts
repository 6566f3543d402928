import { readFile } from 'node:fs/promises';
import { DataError, type TensorFile, decodeTensors, encodeTensors } from 'brownian';
import { UserError, fileProblem } from '../errors.ts';
import { writeAtomically } from './atomic.ts';

/** Reads a safetensors file. @throws UserError when it is missing or corrupt. */
export async function readTensors(path: string): Promise<TensorFile> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new UserError(`Cannot read ${path}: ${fileProblem(error)}.`, { cause: error });
  }
  try {
    return decodeTensors(bytes, path);
  } catch (error) {
    if (error instanceof DataError) throw new UserError(error.message, { cause: error });
    throw error;
  }
}

/** Writes a safetensors file, whole or not at all. @throws UserError when it cannot be written. */
export async function writeTensors(path: string, file: TensorFile): Promise<void> {
  await writeAtomically(path, encodeTensors(file));
}

import { readFileSync } from 'node:fs';
import { FLOORS, KINDS } from './kinds/table.ts';
import { ReferenceError, parseReference, relativeError } from './reference.ts';

/** The error of one expected tensor. */
export interface TensorCheck {
  readonly name: string;
  /** |a−b| / max|expected|; infinite when it has another shape. */
  readonly error: number;
  readonly passed: boolean;
}

/** Computes a reference file and compares. @throws ReferenceError in one sentence that names the file */
export async function checkFile(file: string): Promise<{ kind: string; rtol: number; tensors: TensorCheck[] }> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ReferenceError(
      `${file}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file.' : (error as Error).message}`,
    );
  }
  const reference = parseReference(text, file);
  const conform = Object.hasOwn(KINDS, reference.kind) ? KINDS[reference.kind] : undefined;
  if (conform === undefined)
    throw new ReferenceError(
      `${file}: kind "${reference.kind}" is not known; known are ${Object.keys(KINDS).join(', ')}.`,
    );
  try {
    const actual = await conform(reference);
    const absent = Object.keys(reference.expected).find((name) => actual[name] === undefined);
    if (absent !== undefined)
      throw new ReferenceError(
        `expected.${absent} is not computed here; computed are ${Object.keys(actual).join(', ')}.`,
      );
    const tensors = Object.entries(reference.expected).map(([name, expected]) => {
      const error = relativeError(actual[name], expected, FLOORS[reference.kind] ?? 0);
      return { name, error, passed: error <= reference.rtol };
    });
    return { kind: reference.kind, rtol: reference.rtol, tensors };
  } catch (error) {
    throw new ReferenceError(`${file}: ${(error as Error).message}`, { cause: error });
  }
}

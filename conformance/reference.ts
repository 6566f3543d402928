import { type NDArray, ndarray } from '@brownian/graph';

/** A reference file: inputs and the values an independent implementation in float64 gave. */
export interface Reference {
  readonly kind: string;
  readonly about: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, NDArray>>;
  /** Float64 values, not rounded. */
  readonly expected: Readonly<Record<string, NDArray>>;
  /** Largest allowed |a−b| / max|expected|, for each expected tensor. */
  readonly rtol: number;
}

/** Computes every expected tensor of a reference from its inputs. */
export type Conform = (reference: Reference) => Promise<Readonly<Record<string, NDArray>>>;

/** A reference file that cannot be read or does not have the form of one. */
export class ReferenceError extends Error {
  override readonly name = 'ReferenceError';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readArrays(value: unknown, where: string, storage: 'float32' | 'float64'): Record<string, NDArray> {
  if (!isRecord(value)) throw new ReferenceError(`${where} must be an object of {shape, data}.`);
  return Object.fromEntries(
    Object.entries(value).map(([name, array]) => {
      if (!isRecord(array) || !Array.isArray(array['shape']) || !Array.isArray(array['data'])) {
        throw new ReferenceError(`${where}.${name} must have a shape and data.`);
      }
      // JSON has no NaN: writers put null in its place, which would be read as 0.
      if (!array['data'].every((v) => typeof v === 'number' && Number.isFinite(v))) {
        throw new ReferenceError(`${where}.${name} must have finite numbers only.`);
      }
      const data =
        storage === 'float32'
          ? Float32Array.from(array['data'] as number[])
          : Float64Array.from(array['data'] as number[]);
      return [name, ndarray(data, array['shape'] as number[])];
    }),
  );
}

/** Reads a reference file's text. @throws ReferenceError in one sentence that names the file */
export function parseReference(text: string, file: string): Reference {
  try {
    const json: unknown = JSON.parse(text);
    if (
      !isRecord(json) ||
      typeof json['kind'] !== 'string' ||
      typeof json['rtol'] !== 'number' ||
      !isRecord(json['spec'])
    ) {
      throw new ReferenceError('a reference needs a kind, a spec, inputs, expected and an rtol.');
    }
    const expected = readArrays(json['expected'], 'expected', 'float64');
    // Nothing to compare would pass.
    if (Object.keys(expected).length === 0) throw new ReferenceError('expected has no tensors.');
    return {
      kind: json['kind'],
      about: typeof json['about'] === 'string' ? json['about'] : '',
      spec: json['spec'],
      inputs: readArrays(json['inputs'], 'inputs', 'float32'),
      expected,
      rtol: json['rtol'],
    };
  } catch (error) {
    throw new ReferenceError(`${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** An input by name. @throws ReferenceError when the file lacks it */
export function inputOf(reference: Reference, name: string): NDArray {
  const array = reference.inputs[name];
  if (array === undefined)
    throw new ReferenceError(`a reference of kind "${reference.kind}" needs the input "${name}".`);
  return array;
}

/** Equal, but that files may write one number as [] or as [1]. */
function sameShape(a: readonly number[], b: readonly number[]): boolean {
  const [left, right] = [a, b].map((shape) => (shape.length === 0 ? [1] : shape)) as [
    readonly number[],
    readonly number[],
  ];
  return left.length === right.length && left.every((size, axis) => size === right[axis]);
}

/**
 * The worst relative error |a−b| / max|expected| of one tensor; infinite when shapes or finiteness differ.
 *
 * @param floor expected values below it are rounding and count as zero: the error is relative to it at least
 */
export function relativeError(actual: NDArray | undefined, expected: NDArray, floor: number): number {
  if (actual === undefined || !sameShape(actual.shape, expected.shape)) return Infinity;
  let [worst, largest] = [0, 0];
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [Number(actual.data[i]), Number(expected.data[i])];
    if (!Number.isFinite(a)) return Infinity;
    worst = Math.max(worst, Math.abs(a - b));
    largest = Math.max(largest, Math.abs(b));
  }
  return worst === 0 ? 0 : worst / Math.max(largest, floor);
}

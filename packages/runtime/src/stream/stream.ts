import { ndarray, sizeOf } from '@brownian/graph';
import type { NDArray } from '@brownian/graph';
import type { Stream, StreamState } from '../types.ts';
import { deriveKey, drawState, seedKey } from './key.ts';
import { type GeneratorState, nextBelow, nextWord } from './sfc32.ts';
import type { Words } from './threefry.ts';
import { fillUniform, float32Range } from './uniform.ts';
import { fillNormal } from './ziggurat.ts';

const INT32_END = 2 ** 31;

function checkShape(shape: readonly number[]): void {
  for (const axis of shape) {
    if (!Number.isSafeInteger(axis) || axis < 0) {
      throw new RangeError(`Axes of a draw are integers of at least 0, got ${axis} in [${shape.join(', ')}].`);
    }
  }
}

function checkIntegerBounds(low: number, high: number): void {
  if (!Number.isInteger(low) || !Number.isInteger(high) || low < -INT32_END || high > INT32_END) {
    throw new RangeError(`Bounds of random integers are integers within int32, got low ${low} and high ${high}.`);
  }
  if (low >= high) throw new RangeError(`Random integers need low < high, got low ${low} and high ${high}.`);
}

function checkState({ key, count }: StreamState): void {
  const isWord = (word: unknown): boolean => typeof word === 'number' && word >>> 0 === word;
  if (!Array.isArray(key) || key.length !== 2 || !key.every(isWord)) {
    throw new RangeError(`The key of a stream is two unsigned 32-bit integers, got ${JSON.stringify(key)}.`);
  }
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`The count of a stream is an integer of at least 0, got ${String(count)}.`);
  }
}

/** The {@link Stream} of this package: a key and a count, and a generator seeded from both for every draw. */
class CountedStream implements Stream {
  #key: Words;
  #count = 0;

  constructor(key: Words) {
    this.#key = key;
  }

  normal(shape: readonly number[]): NDArray {
    checkShape(shape);
    const out = new Float32Array(sizeOf(shape));
    fillNormal(out, this.#advance());
    return ndarray(out, shape);
  }

  uniform(shape: readonly number[], low = 0, high = 1): NDArray {
    checkShape(shape);
    float32Range(low, high);
    const out = new Float32Array(sizeOf(shape));
    fillUniform(out, this.#advance(), low, high);
    return ndarray(out, shape);
  }

  integers(shape: readonly number[], low: number, high: number): NDArray {
    checkShape(shape);
    checkIntegerBounds(low, high);
    const out = new Int32Array(sizeOf(shape));
    const generator = this.#advance();
    for (let i = 0; i < out.length; i++) out[i] = low + nextBelow(generator, high - low);
    return ndarray(out, shape);
  }

  permutation(n: number): NDArray {
    if (!Number.isInteger(n) || n < 0 || n > INT32_END) {
      throw new RangeError(`A permutation has an integer number of items, at least 0 and within int32, got ${n}.`);
    }
    const order = new Int32Array(n);
    const generator = this.#advance();
    // Fisher-Yates, inside out: item i goes to a random place among 0..i, what was there moves to place i.
    for (let i = 0; i < n; i++) {
      const place = nextBelow(generator, i + 1);
      order[i] = order[place] as number;
      order[place] = i;
    }
    return ndarray(order, [n]);
  }

  next(): number {
    const generator = this.#advance();
    return ((nextWord(generator) >>> 5) * 2 ** 26 + (nextWord(generator) >>> 6)) * 2 ** -53;
  }

  split(label: string | number): Stream {
    return new CountedStream(deriveKey(this.#key, label, 'label of a split'));
  }

  state(): StreamState {
    return { key: [...this.#key], count: this.#count };
  }

  restore(state: StreamState): void {
    checkState(state);
    this.#key = [state.key[0], state.key[1]];
    this.#count = state.count;
  }

  #advance(): GeneratorState {
    return drawState(this.#key, this.#count++);
  }
}

/**
 * A stream of random draws named by its seed; equal seeds give equal streams, bit for bit.
 *
 * Draw number i (whatever its kind and size) seeds a generator with Threefry(key, i); `split` hashes its label with the
 * key in a separate domain, whatever has been drawn. A longer draw of normals, uniform values or integers in the same
 * place begins with the values of a shorter one. Normals are exact up to float32 rounding and the 24-bit grid of the
 * Ziggurat; |x| stays below 10.
 *
 * @example
 * const stream = createStream(1);
 * const noise = stream.normal([64, 3, 32, 32]);
 * const saved = stream.state();
 *
 * @param seed a string, or an integer of at most 53 bits; 1 and '1' are different seeds
 * @throws RangeError when a number is not such an integer
 */
export function createStream(seed: number | string): Stream {
  return new CountedStream(seedKey(seed));
}

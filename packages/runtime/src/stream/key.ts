import type { GeneratorState } from './sfc32.ts';
import { type Words, threefry2x32 } from './threefry.ts';

/**
 * What a block hashed under a stream's key is for, in the top byte of its high word. Counts stay below 2⁵³, so the
 * other 24 bits hold a count's high word and the four domains never meet.
 */
const DOMAIN = { drawLow: 0, drawHigh: 1 << 24, textLabel: 2 << 24, numberLabel: 3 << 24 } as const;

/** The key above all streams: "Brownian" in ASCII. */
const ROOT: Words = [0x42726f77, 0x6e69616e];

/** The two 32-bit words of a safe integer, low word first, in two's complement. */
function wordsOf(integer: number): Words {
  return [integer >>> 0, Math.floor(integer / 2 ** 32) >>> 0];
}

/**
 * Absorbs a text into a key, four UTF-16 units at a time, then its length: h ← E_h(m) ⊕ m (Matyas-Meyer-Oseas, with
 * Threefry for E).
 */
function absorbText(start: Words, text: string): Words {
  let [h0, h1] = start;
  const absorb = (m0: number, m1: number): void => {
    const [e0, e1] = threefry2x32([h0, h1], [m0, m1]);
    h0 = (e0 ^ m0) >>> 0;
    h1 = (e1 ^ m1) >>> 0;
  };
  const unit = (i: number): number => (i < text.length ? text.charCodeAt(i) : 0);
  for (let i = 0; i < text.length; i += 4) {
    absorb(unit(i) | (unit(i + 1) << 16), unit(i + 2) | (unit(i + 3) << 16));
  }
  absorb(text.length, 0);
  return [h0, h1];
}

/**
 * The key of the stream that `label` names under `parent`. Numbers never collide under one parent; texts do with the
 * probability of a 64-bit hash. The number 1 and the text "1" are different labels.
 *
 * @throws RangeError when a number is not a safe integer; `what` names it in the message.
 * @throws TypeError when the label is neither a number nor a string.
 */
export function deriveKey(parent: Words, label: string | number, what: string): Words {
  if (typeof label === 'string') return absorbText(threefry2x32(parent, [0, DOMAIN.textLabel]), label);
  if (typeof label !== 'number') {
    throw new TypeError(`The ${what} is a string or an integer, got a value of type ${typeof label}.`);
  }
  if (!Number.isSafeInteger(label)) {
    throw new RangeError(`The ${what} is a string or an integer of at most 53 bits, got ${String(label)}.`);
  }
  return threefry2x32(threefry2x32(parent, [0, DOMAIN.numberLabel]), wordsOf(label));
}

/** The key of the stream that a seed starts. @throws as {@link deriveKey}. */
export function seedKey(seed: string | number): Words {
  return deriveKey(ROOT, seed, 'seed');
}

/** A fresh generator for draw number `count` of a stream: 128 bits that are a function of (key, count) alone. */
export function drawState(key: Words, count: number): GeneratorState {
  const [low, high] = wordsOf(count);
  const first = threefry2x32(key, [low, high | DOMAIN.drawLow]);
  const second = threefry2x32(key, [low, high | DOMAIN.drawHigh]);
  return Int32Array.of(first[0], first[1], second[0], second[1]);
}

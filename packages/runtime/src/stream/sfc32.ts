/**
 * State (a, b, c, d) of the generator sfc32: four 32-bit words.
 *
 * A call gives u = a + b + d and moves on by d ← d + 1, a ← b ⊕ (b ≫ 9), b ← 9c, c ← (c ⋘ 21) + u. A state recurs after
 * 2³² calls at the earliest, 2¹²⁷ on average. States come from a hash, so there is no warm-up.
 *
 * Source: C. Doty-Humphrey, PractRand.
 */
export type GeneratorState = Int32Array;

/**
 * Values made per call of a fill loop. Loops that repeat the lines of {@link nextWord} on local variables, for speed,
 * run in blocks: V8 then compiles them from their entry, with the variables known to be integers. Entered in the middle
 * of one long loop (on-stack replacement) it does not know, and the loop is 2.4 times slower for the life of the
 * process.
 */
export const BLOCK = 256;

/** Advances the generator; the next 32 random bits as an unsigned integer. */
export function nextWord(state: GeneratorState): number {
  const a = state[0] as number;
  const b = state[1] as number;
  const c = state[2] as number;
  const d = state[3] as number;
  const u = (a + b + d) | 0;
  state[0] = b ^ (b >>> 9);
  state[1] = c + (c << 3);
  state[2] = ((c << 21) | (c >>> 11)) + u;
  state[3] = d + 1;
  return u >>> 0;
}

/** A uniform number in (0, 1) on the grid (k + ½) / 2³². */
export function nextOpen(state: GeneratorState): number {
  return (nextWord(state) + 0.5) * 2 ** -32;
}

/**
 * A uniform integer in [0, range) without bias, for 1 ≤ range ≤ 2³²: the first of successive words whose leading
 * ⌈log₂ range⌉ bits are below `range`.
 */
export function nextBelow(state: GeneratorState, range: number): number {
  if (range === 1) return 0;
  const shift = Math.clz32(range - 1);
  let value = nextWord(state) >>> shift;
  while (value >= range) value = nextWord(state) >>> shift;
  return value;
}

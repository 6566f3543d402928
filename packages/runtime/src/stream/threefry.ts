/** Two 32-bit words, each in [0, 2³²). */
export type Words = readonly [number, number];

/** Rotation distances of eight consecutive rounds (Salmon et al. 2011, table 2). */
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const ROUNDS = 20;
/** The Skein key-schedule constant, 32-bit form. */
const PARITY = 0x1bd11bda;

/**
 * Threefry-2x32 with 20 rounds: a keyed bijection of 64-bit blocks, used as a hash of (key, counter).
 *
 * A round is x₀ ← x₀ + x₁, x₁ ← (x₁ ⋘ r) ⊕ x₀; every fourth round adds the next two words of (k₀, k₁, k₀ ⊕ k₁ ⊕ C).
 *
 * @param key two words; bits above 32 are ignored
 * @param block two words; bits above 32 are ignored
 * @returns two unsigned words
 *
 * Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */
export function threefry2x32(key: Words, block: Words): Words {
  let k0 = key[0] | 0;
  let k1 = key[1] | 0;
  let k2 = PARITY ^ k0 ^ k1;
  let x0 = (block[0] + k0) | 0;
  let x1 = (block[1] + k1) | 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const r = ROTATIONS[(round - 1) & 7] as number;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << r) | (x1 >>> (32 - r))) ^ x0;
    if ((round & 3) === 0) {
      const first = k0;
      k0 = k1;
      k1 = k2;
      k2 = first;
      x0 = (x0 + k0) | 0;
      x1 = (x1 + k1 + (round >>> 2)) | 0;
    }
  }
  return [x0 >>> 0, x1 >>> 0];
}

import type { Stream } from '@brownian/runtime';

/** Numbers that length fields must not be believed to be. */
const EXTREMES: readonly bigint[] = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  (1n << 53n) + 1n,
  (1n << 63n) - 1n,
  (1n << 64n) - 1n,
];

/** A draw below `n`. */
type Below = (n: number) => number;

type Mutation = (bytes: Uint8Array, below: Below) => Uint8Array;

function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes.subarray(0, at), ...insert, ...bytes.subarray(at + remove)]);
}

/** The ways to damage a file. */
const MUTATIONS: readonly Mutation[] = [
  function flipBits(bytes, below) {
    const out = bytes.slice();
    for (let i = 1 + below(8); i > 0 && out.length > 0; i--) {
      const at = below(out.length);
      out[at] = (out[at] as number) ^ (1 << below(8));
    }
    return out;
  },
  function flipInHeader(bytes, below) {
    const out = bytes.slice();
    if (out.length === 0) return out;
    const at = below(Math.min(64, out.length));
    out[at] = below(256);
    return out;
  },
  function truncate(bytes, below) {
    return bytes.slice(0, below(bytes.length + 1));
  },
  function insert(bytes, below) {
    const added = Uint8Array.from({ length: 1 + below(16) }, () => below(256));
    return splice(bytes, below(bytes.length + 1), 0, added);
  },
  function remove(bytes, below) {
    return splice(bytes, below(bytes.length + 1), 1 + below(16), new Uint8Array(0));
  },
  function repeat(bytes, below) {
    const from = below(bytes.length + 1);
    return splice(bytes, from, 0, bytes.slice(from, from + below(64)));
  },
  function extremeNumber(bytes, below) {
    const out = bytes.slice();
    const width = [1, 2, 4, 8][below(4)] as number;
    if (out.length < width) return out;
    // Half of them at the two ends, where formats keep their lengths.
    const room = out.length - width + 1;
    const at =
      below(2) === 0 ? below(room) : below(2) === 0 ? below(Math.min(64, room)) : room - 1 - below(Math.min(64, room));
    const value = EXTREMES[below(EXTREMES.length)] as bigint;
    const little = below(2) === 0;
    for (let i = 0; i < width; i++) out[at + (little ? i : width - 1 - i)] = Number((value >> BigInt(8 * i)) & 0xffn);
    return out;
  },
  function digits(bytes, below) {
    const out = bytes.slice();
    const places = [...out.keys()].filter((i) => (out[i] as number) >= 0x30 && (out[i] as number) <= 0x39);
    const at = places[below(Math.max(1, places.length))];
    if (at !== undefined) out[at] = 0x30 + below(10);
    return out;
  },
];

/** Damages bytes in one to three ways: a function of the stream. */
export function mutate(bytes: Uint8Array, stream: Stream): Uint8Array {
  const words = stream.integers([256], 0, 2 ** 31 - 1).data;
  let used = 0;
  const below: Below = (n) => Number(words[used++ % words.length]) % n;
  let out = bytes;
  for (let edits = 1 + below(3); edits > 0; edits--) out = (MUTATIONS[below(MUTATIONS.length)] as Mutation)(out, below);
  return out;
}

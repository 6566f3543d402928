import { BLOCK, type GeneratorState, nextOpen } from './sfc32.ts';

/** Layers of equal area under f(x) = exp(-x²/2), x > 0; layer 0 is the base strip with the tail. */
const LAYERS = 256;
/** Where the tail begins, and the area of a layer, for 256 layers (Marsaglia and Tsang 2000). */
const TAIL_START = 3.6541528853610088;
const LAYER_AREA = 0.004928673233974658;
/** Positions across a layer have 24 bits. */
const POSITIONS = 2 ** 24;

interface Tables {
  /** Height f at the outer edge of each layer, and 1 for the top. */
  readonly height: Float64Array;
  /** Per layer and sign (index 2·layer + sign): x of one position. */
  readonly unit: Float64Array;
  /** Per layer and sign: positions below this are inside the next layer too, so they need no test. */
  readonly inside: Int32Array;
}

function density(x: number): number {
  return Math.exp(-0.5 * x * x);
}

/**
 * Edges: x₀ = A/f(r) (a base strip as wide as if it were a rectangle), x₁ = r, f(xᵢ₊₁) = f(xᵢ) + A/xᵢ, and 0 at the
 * top.
 */
function makeTables(): Tables {
  const edge = new Float64Array(LAYERS + 1);
  edge[0] = LAYER_AREA / density(TAIL_START);
  edge[1] = TAIL_START;
  for (let i = 2; i < LAYERS; i++) {
    const outer = edge[i - 1] as number;
    edge[i] = Math.sqrt(-2 * Math.log(density(outer) + LAYER_AREA / outer));
  }
  const unit = new Float64Array(2 * LAYERS);
  const inside = new Int32Array(2 * LAYERS);
  for (let i = 0; i < LAYERS; i++) {
    const outer = edge[i] as number;
    unit[2 * i] = outer / POSITIONS;
    unit[2 * i + 1] = -outer / POSITIONS;
    inside.fill(Math.floor(((edge[i + 1] as number) / outer) * POSITIONS), 2 * i, 2 * i + 2);
  }
  return { height: edge.map(density), unit, inside };
}

const { height: HEIGHT, unit: UNIT, inside: INSIDE } = makeTables();

/** The rare end of a value: x if it passes the wedge test and NaN if not, or a value of the tail beyond r. */
function settle(entry: number, x: number, state: GeneratorState): number {
  const layer = entry >>> 1;
  if (layer > 0) {
    const low = HEIGHT[layer] as number;
    const height = low + nextOpen(state) * ((HEIGHT[layer + 1] as number) - low);
    return height < density(x) ? x : Number.NaN;
  }
  for (;;) {
    const excess = -Math.log(nextOpen(state)) / TAIL_START;
    if (-2 * Math.log(nextOpen(state)) > excess * excess) return x > 0 ? TAIL_START + excess : -TAIL_START - excess;
  }
}

/** Fills out[start..end). The generator lives in local variables but for the rare values. */
function fillBlock(out: Float32Array, start: number, end: number, state: GeneratorState): void {
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  for (let i = start; i < end;) {
    const u = (a + b + d) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + u) | 0;
    d = (d + 1) | 0;
    const entry = u & (2 * LAYERS - 1);
    const position = (u >>> 8) | 1;
    const x = position * (UNIT[entry] as number);
    if (position < (INSIDE[entry] as number)) {
      out[i++] = x;
      continue;
    }
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = d;
    const value = settle(entry, x, state);
    if (!Number.isNaN(value)) out[i++] = value;
    a = state[0];
    b = state[1];
    c = state[2];
    d = state[3];
  }
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

/**
 * Fills `out` with standard normal values by the Ziggurat method, a function of `state` alone, which is advanced.
 *
 * Of each 32 random bits, 8 choose the layer, 1 the sign and 23 the odd position across it, so layer and position are
 * independent (Doornik's correction of the original). 99.3 % of values need nothing else; the others take the wedge
 * test or the exponential tail. About 3 ns a value.
 *
 * Source: Marsaglia and Tsang, "The ziggurat method for generating random variables", J. Stat. Softw. 5(8), 2000;
 * J. Doornik, "An improved ziggurat method to generate normal random samples", 2005.
 */
export function fillNormal(out: Float32Array, state: GeneratorState): void {
  for (let start = 0; start < out.length; start += BLOCK) {
    fillBlock(out, start, Math.min(start + BLOCK, out.length), state);
  }
}

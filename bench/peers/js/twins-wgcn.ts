import { type NDArray, ndarray } from '@brownian/graph';
import { chooseRows, putRows, takeRows } from 'brownian';
import { seeded } from '../../data.ts';
import { type Ops, mean, square } from './ops.ts';
import { features, itemAxes } from './twins-langevin.ts';
import {
  type Given,
  type Settings,
  type Twin,
  UnsupportedError,
  adam,
  array,
  biasCorrections,
  kindOf,
  namesOf,
  number,
  parameter,
  split,
  under,
} from './twin.ts';

/** Φ of each item and what is made of it. */
interface Energy<T> {
  readonly energies: (params: readonly T[], x: T) => T;
  /** ∇ₓΦ. */
  readonly force: (params: readonly T[], x: T) => T;
}

function energyOf<T>(ops: Ops<T>, params: ReadonlyMap<string, NDArray>, gain: number): Energy<T> {
  const names = namesOf(params);
  const responses = features(ops, params, names);
  const energies = (values: readonly T[], x: T): T => {
    const weighted = ops.mul(responses(values, x), names.get(values, 'theta'));
    return ops.mul(ops.sum(weighted, itemAxes(ops, weighted)), gain);
  };
  return { energies, force: (values, x) => ops.grad((at) => ops.sum(energies(values, at)))(x) };
}

/** `[x, noise, ...params]` → `[x after a Langevin step, mean ‖∇ₓΦ‖]`. */
function langevinStep<T>(ops: Ops<T>, { force }: Energy<T>, settings: Settings): (xs: readonly T[]) => readonly T[] {
  const h = number(settings, 'step');
  const spread = h * Math.sqrt(number(settings, 'temperature'));
  const bound = number(settings, 'maxDisplacement');
  const [low, high] = settings['clip'] as readonly number[];
  return ops.compile((xs) => {
    const [x, noise, ...values] = xs as [T, T, ...T[]];
    const gradient = force(values, x);
    const rise = ops.mul(gradient, (h * h) / 2);
    const limited = bound === 0 ? rise : ops.minimum(ops.maximum(rise, -bound), bound);
    const moved = ops.add(ops.add(x, limited), ops.mul(noise, spread));
    const kept = low === undefined || high === undefined ? moved : ops.minimum(ops.maximum(moved, low), high);
    const norms = ops.sqrt(ops.sum(square(ops, gradient), itemAxes(ops, gradient)));
    return [kept, mean(ops, norms)];
  });
}

/** `[...params, ...means, ...squares, ...average, two corrections, data, particles, previous, γ]` → the loss and the first four anew. */
function jkoUpdate<T>(
  ops: Ops<T>,
  { energies, force }: Energy<T>,
  count: number,
  settings: Settings,
): (xs: readonly T[]) => readonly T[] {
  const get = (name: string): number => number(settings, name);
  const speed = (values: readonly T[], x: T): T => {
    const n = ops.shape(x)[0] as number;
    return ops.mul(ops.sum(square(ops, force(values, x))), get('step') ** 4 / 4 / n);
  };
  return ops.compile((xs) => {
    const [params, means, squares, average, rest] = split(xs, [count, count, count, count, 6]) as [
      T[],
      T[],
      T[],
      T[],
      T[],
    ];
    const [c1, c2, data, particles, previous, gamma] = rest as [T, T, T, T, T, T];
    const loss = (values: readonly T[]): T => {
      const [onData, onParticles] = [energies(values, data), energies(values, particles)];
      const [now, before] = [speed(values, particles), speed(values, previous)];
      const contrast = ops.sub(mean(ops, onParticles), mean(ops, onData));
      const size = ops.add(mean(ops, square(ops, onData)), mean(ops, square(ops, onParticles)));
      const penalty = ops.add(before, ops.mul(gamma, ops.sub(now, before)));
      return ops.add(ops.add(contrast, ops.mul(size, get('energyL2'))), ops.mul(penalty, get('beta') / 2));
    };
    const [value, gradients] = ops.valueAndGrad(loss)(params);
    const next = adam(ops, { params, gradients, means, squares }, [c1, c2], { rate: get('rate'), beta1: get('beta1') });
    const slow = next.params.map((p, i) => ops.add(ops.mul(average[i] as T, get('ema')), ops.mul(p, 1 - get('ema'))));
    return [value, ...next.params, ...next.means, ...next.squares, ...slow];
  });
}

/** The random draws of an iteration. */
interface Draws {
  /** Rows of the buffer that the particles start from. */
  readonly rows: Int32Array;
  /** Particles that start from `fresh` instead. */
  readonly restarted: Int32Array;
  readonly fresh: NDArray;
  readonly noise: (step: number) => NDArray;
  readonly gamma: number;
  /** Noise of the data, shaped like them. */
  readonly dataNoise: NDArray | undefined;
}

/** What {@link Draws} were when Brownian made them, in its order. */
function recorded(draws: readonly NDArray[], n: number, steps: number): Draws {
  const [rows, order, fresh, ...rest] = draws as [NDArray, NDArray, NDArray, ...NDArray[]];
  return {
    rows: Int32Array.from(rows.data as Float32Array).slice(0, n),
    restarted: Int32Array.from(order.data as Float32Array).slice(0, fresh.shape[0]),
    fresh,
    noise: (step) => rest[step] as NDArray,
    gamma: Number(rest[steps]?.data[0]),
    dataNoise: rest[steps + 1],
  };
}

/** One outer iteration of wGCN, without the diagnostics that Brownian and PyTorch compute besides the loss. */
class Wgcn<T> implements Twin {
  readonly #ops: Ops<T>;
  readonly #settings: Settings;
  readonly #params: ReadonlyMap<string, NDArray>;
  readonly #move: (xs: readonly T[]) => readonly T[];
  readonly #update: (xs: readonly T[]) => readonly T[];
  readonly #shape: readonly number[];
  readonly #data: NDArray;
  readonly #draw = seeded('twin');
  /** Parameters, Adam's means and squares, the moving average. */
  #state: readonly T[];
  #previous: T;
  #buffer: NDArray;
  #t = 0;

  constructor(ops: Ops<T>, given: Given, settings: Settings) {
    const params = under(given, 'params');
    const energy = energyOf(ops, params, number(settings, 'gain'));
    const inside = (): T[] => [...params.values()].map((value) => parameter(ops, value));
    const zeros = (): T[] =>
      [...params.values()].map((value) => parameter(ops, { ...value, data: new Float32Array(value.data.length) }));
    this.#ops = ops;
    this.#settings = settings;
    this.#params = params;
    this.#move = langevinStep(ops, energy, settings);
    this.#update = jkoUpdate(ops, energy, params.size, settings);
    this.#shape = array(given, 'data').shape;
    this.#data = array(given, 'data');
    this.#state = [...inside(), ...zeros(), ...zeros(), ...inside()];
    this.#previous = ops.input(array(given, 'particles'), 'image');
    this.#buffer = array(given, 'buffer');
  }

  /** Langevin steps from the buffer: the particles and the last mean ‖∇ₓΦ‖. */
  async #sample({ rows, restarted, fresh, noise }: Draws): Promise<[T, number]> {
    const ops = this.#ops;
    const params = this.#state.slice(0, this.#params.size);
    let x = ops.input(putRows(takeRows(this.#buffer, rows), restarted, fresh), 'image');
    let size = 0;
    for (let i = 0; i < number(this.#settings, 'steps'); i++) {
      const xi = ops.input(noise(i), 'image');
      const [moved, norm] = this.#move([x, xi, ...params]) as [T, T];
      ops.dispose([x, xi]);
      x = moved;
      size = Number((await ops.output(norm)).data[0]);
      ops.dispose([norm]);
    }
    return [x, size];
  }

  /** The data with their noise, within the bounds of particles. */
  #noisyData(noise: NDArray | undefined): T {
    const size = number(this.#settings, 'dataNoise');
    if (size === 0 || noise === undefined) return this.#ops.input(this.#data, 'image');
    const [low = -Infinity, high = Infinity] = this.#settings['clip'] as readonly number[];
    const data = (this.#data.data as Float32Array).map((v, i) =>
      Math.min(high, Math.max(low, v + size * Number(noise.data[i]))),
    );
    return this.#ops.input({ ...this.#data, data }, 'image');
  }

  async #iterate(draws: Draws): Promise<Record<string, number>> {
    const ops = this.#ops;
    const [x, gradientNorm] = await this.#sample(draws);
    const [c1, c2] = biasCorrections(ops, ++this.#t, number(this.#settings, 'beta1'));
    const gamma = ops.input(ndarray(draws.gamma, []));
    const data = this.#noisyData(draws.dataNoise);
    const given = [c1, c2, data, x, this.#previous, gamma];
    const [loss, ...after] = this.#update([...this.#state, ...given]) as [T, ...T[]];
    ops.dispose([...this.#state, c1, c2, gamma, data, this.#previous]);
    this.#previous = x;
    this.#state = after;
    this.#buffer = putRows(this.#buffer, draws.rows, await ops.output(x, 'image'));
    const value = Number((await ops.output(loss)).data[0]);
    ops.dispose([loss]);
    return { loss: value, gradientNorm };
  }

  async step(): Promise<void> {
    const [draw, shape] = [this.#draw, this.#shape];
    const n = shape[0] as number;
    const restarted = chooseRows(n, Math.round(number(this.#settings, 'fresh') * n), draw);
    await this.#iterate({
      rows: chooseRows(this.#buffer.shape[0] as number, n, draw),
      restarted,
      fresh: draw.uniform([restarted.length, ...shape.slice(1)], -1, 1),
      noise: () => draw.normal(shape),
      gamma: draw.next(),
      dataNoise: draw.normal(shape),
    });
  }

  async check(draws: readonly NDArray[]): Promise<Record<string, NDArray>> {
    const metrics = await this.#iterate(recorded(draws, this.#shape[0] as number, number(this.#settings, 'steps')));
    const results: Record<string, NDArray> = { particles: await this.#ops.output(this.#previous, 'image') };
    for (const [name, value] of Object.entries(metrics)) results[`metrics.${name}`] = ndarray(value, []);
    for (const [i, [name, before]] of [...this.#params].entries()) {
      const after = await this.#ops.output(this.#state[i] as T, kindOf(before));
      const data = (after.data as Float32Array).map((v, k) => v - (before.data[k] as number));
      results[`change.${name}`] = { ...after, data };
    }
    return results;
  }
}

/** @throws UnsupportedError where the library cannot take second derivatives */
export function wgcn<T>(ops: Ops<T>, given: Given, settings: Settings): Twin {
  if (ops.firstOrderOnly !== undefined) throw new UnsupportedError(ops.firstOrderOnly);
  return new Wgcn(ops, given, settings);
}

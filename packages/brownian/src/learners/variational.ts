import {
  type NDArray,
  ShapeError,
  type Tensor,
  type Tree,
  float32Data,
  formatShape,
  full,
  ndarray,
  sameShape,
} from '@brownian/graph';
import type { Compiled, Runtime, Stream } from '@brownian/runtime';
import { type PoissonOptions, poissonGradients } from '../flows/poisson.ts';
import type {
  Batch,
  Dataset,
  ExportedFunction,
  LatentView,
  Learner,
  Metrics,
  Moment,
  Params,
  Potential,
  SymbolicParams,
} from '../interfaces.ts';
import { blocksOf, rowsOf } from '../metrics/rows.ts';
import { averageParams } from '../optim/ema.ts';
import { globalNorm } from '../optim/scaling.ts';
import { type SymbolicState, type Transform, type TransformState, applyUpdates } from '../optim/transform.ts';
import { potentialField } from '../samplers/potential-flow.ts';
import { startParticles } from '../samplers/start.ts';
import { type SolveOptions, solve } from '../solvers/solve.ts';
import { BLOCK, paddedRows, potentialValues } from './potential-values.ts';
import { type PreviewArguments, type PreviewResult, previewStep } from './preview.ts';
import { variationalExports } from './variational-exports.ts';
import type { OdeOptions, PreviewOptions } from './variational-options.ts';

/** What a variational model is made of. */
export interface VariationalModel {
  readonly name: string;
  /** Shape of one item, such as `[1, 28, 28]`. */
  readonly itemShape: readonly number[];
  /** Φ; it takes the clock as its condition if and only if `poisson.clock`. */
  readonly potential: Potential;
  readonly poisson: PoissonOptions;
  readonly optimizer: Transform;
  /** Decay of the moving average of parameters that samples use; 0 uses the parameters themselves. */
  readonly ema: number;
  readonly sampling: OdeOptions;
  readonly preview: PreviewOptions;
}

/** State of a variational learner. */
export type VariationalState = {
  readonly params: Params;
  readonly optimizer: TransformState;
  /** Moving average of the parameters, with `ema` above 0. */
  readonly average?: Params;
  /** Where previews begin, always the same, so that a film shows the same particles end better. `[particles, ...item]` */
  readonly noise: NDArray;
  /** Particles on their way, `[particles, ...item]`, and how many steps they have taken, `[]`. */
  readonly moving: NDArray;
  readonly taken: NDArray;
  /** Particles that arrived last, `[particles, ...item]`; noise before any has. */
  readonly particles: NDArray;
};

/** Particles that a flow moved, and what it took. */
export interface Flowed {
  /** `[n, ...item]`, float32. */
  readonly x: NDArray;
  /** Evaluations of ∇Φ for one particle: the most that any block of particles took. */
  readonly evaluations: number;
  readonly accepted: number;
  readonly rejected: number;
}

/** A learner whose flow can also be run from given particles, and backwards. */
export interface VariationalLearner extends Learner<VariationalState> {
  /**
   * Moves particles along the learned flow.
   *
   * @param from `[n, ...item]`
   * @param edit solver, tolerances, ends of the clock, in the place of the model's. Default from 0 to `sampling.tEnd`
   * @throws SolverError when the end is not reached: where and why
   */
  flow(state: VariationalState, from: NDArray, edit?: FlowEdit): Promise<Flowed>;
  /** Φ of each item, `[n]`: higher is more like the data. `clock`: for a potential that has one; default 1, the end of the path. */
  potential(state: VariationalState, x: NDArray, clock?: number): Promise<NDArray>;
  /** At most {@link MOMENTS} looks after the first; `steps` are hundredths of the clock. */
  trajectory(state: VariationalState, n: number, draw: Stream, moments: number): Promise<readonly Moment[]>;
  /** The noise that the flow carries to samples, and back from items to noise. */
  readonly latent: LatentView<VariationalState>;
}

/** What a single run of the flow does otherwise than the model's options say. */
export interface FlowEdit extends Partial<OdeOptions> {
  /** Clock at the start. Default 0. */
  readonly tStart?: number;
  /** Told the clock after each accepted step of each block of particles. */
  readonly onStep?: SolveOptions['onStep'];
  /** Clocks at which to keep the particles, in the direction of the flow. */
  readonly saveAt?: readonly number[];
  /** Given the particles of each of these clocks, `[n, ...item]`, when all have arrived. */
  readonly onSaved?: (x: NDArray) => void;
}

type UpdateArguments = [
  params: SymbolicParams,
  optimizer: SymbolicState,
  average: Tree<Tensor>,
  at: { data: Tensor; clock: Tensor; noise: Tensor },
];
type UpdateResult = {
  params: SymbolicParams;
  optimizer: SymbolicState;
  average: Tree<Tensor>;
  metrics: Record<string, Tensor>;
};

/** One update of the parameters, to be compiled: the Poisson flow, the optimizer, the average, the diagnostics. */
function variationalUpdate({ potential, poisson, optimizer, ema }: VariationalModel) {
  return (...[params, optimizerState, average, at]: UpdateArguments): UpdateResult => {
    const { gradients, metrics } = poissonGradients(potential, params, at, poisson);
    const { loss, covariance, speed, l2 } = metrics as Record<'loss' | 'covariance' | 'speed' | 'l2', Tensor>;
    const [updates, nextOptimizer] = optimizer.update(gradients, optimizerState, params);
    const next = applyUpdates(params, updates);
    return {
      params: next,
      optimizer: nextOptimizer,
      average: ema > 0 ? averageParams(average, next, ema) : [],
      metrics: {
        loss,
        covariance,
        flowSpeed: speed,
        potentialSquare: l2,
        parameterGradientNorm: globalNorm(gradients),
      },
    };
  };
}

function numbers(metrics: Readonly<Record<string, NDArray>>): Metrics {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, Number(value.data[0])]));
}

/** Most looks at particles on their way, besides the first. */
const MOMENTS = 50;

function scalar(value: number): NDArray {
  return ndarray(Float32Array.of(value), []);
}

/** Clocks `[n]`, one in each n-th of [0, 1): each is uniform, and together they cover the path far more evenly than chance. */
function stratified(n: number, draw: Stream): NDArray {
  const place = draw.permutation(n).data as Int32Array;
  const within = float32Data(draw.uniform([n]));
  return ndarray(
    within.map((u, i) => Math.min(((place[i] as number) + u) / n, 1 - 2 ** -24)),
    [n],
  );
}

class PotentialFlowLearner implements VariationalLearner {
  readonly name: string;
  readonly #model: VariationalModel;
  readonly #runtime: Runtime;
  readonly #update: Compiled<UpdateArguments, UpdateResult>;
  readonly #preview: Compiled<PreviewArguments, PreviewResult>;
  readonly latent: LatentView<VariationalState>;

  constructor(runtime: Runtime, model: VariationalModel) {
    const { name, potential, poisson } = model;
    this.name = name;
    this.#model = model;
    this.#runtime = runtime;
    this.#update = runtime.compile(variationalUpdate(model), { name: `${name} update` });
    this.#preview = runtime.compile(previewStep(potential, poisson.clock), { name: `${name} preview` });
    this.latent = {
      shape: model.itemShape,
      path: 'spherical',
      draw: (n, stream) => this.#prior(n, stream),
      decode: async (state, z) => (await this.flow(state, z)).x,
      encode: (state, x, draw) => this.#encode(state, x, draw),
    };
  }

  #checkItems(shape: readonly number[], what: string): void {
    const { itemShape } = this.#model;
    if (!sameShape(shape, itemShape))
      throw new ShapeError(
        `${this.name}: ${what} has items of shape ${formatShape(shape)}, the model takes ${formatShape(itemShape)}.`,
      );
  }

  #prior(n: number, draw: Stream): NDArray {
    const { itemShape, poisson } = this.#model;
    return startParticles({ start: 'noise', range: [-1, 1] }, [n, ...itemShape], poisson.priorStd, draw);
  }

  async init(key: Stream, data: Dataset): Promise<VariationalState> {
    this.#checkItems(data.itemShape, `the data set "${data.name}"`);
    const { potential, optimizer, ema, preview } = this.#model;
    const params = potential.init(key.split('params'));
    const noise = this.#prior(preview.particles, key.split('preview'));
    return {
      params,
      optimizer: optimizer.init(params),
      ...(ema > 0 && { average: params }),
      noise,
      moving: noise,
      taken: scalar(0),
      particles: noise,
    };
  }

  /** Moves the preview by one step, and measures Φ. */
  async #look(
    { params, average, noise, moving, taken, particles }: VariationalState,
    x: NDArray,
  ): Promise<[Pick<VariationalState, 'moving' | 'taken' | 'particles'>, Metrics]> {
    const { preview, sampling } = this.#model;
    const at = Number(taken.data[0]);
    const step = sampling.tEnd / preview.steps;
    const { moved, metrics } = await this.#preview(average ?? params, {
      moving,
      particles,
      data: rowsOf(x, 0, Math.min(x.shape[0] as number, preview.particles)),
      clock: scalar(Math.min(at * step, 1)),
      step: scalar(step),
    });
    const arrived = at + 1 >= preview.steps;
    return [
      { moving: arrived ? noise : moved, taken: scalar(arrived ? 0 : at + 1), particles: arrived ? moved : particles },
      numbers(metrics),
    ];
  }

  async step(state: VariationalState, { x }: Batch, draw: Stream): Promise<[VariationalState, Metrics]> {
    this.#checkItems(x.shape.slice(1), 'the batch');
    const n = x.shape[0] as number;
    if (n === 0) throw new ShapeError(`${this.name}: the batch is empty; a step needs at least one item.`);
    const at = { data: x, clock: stratified(n, draw), noise: draw.normal(x.shape) };
    const { params, optimizer, average, metrics } = await this.#update(
      state.params,
      state.optimizer,
      state.average ?? [],
      at,
    );
    const learned = { params, optimizer, ...(state.average && { average }), noise: state.noise };
    const [looked, seen] = await this.#look({ ...state, ...learned }, x);
    return [
      { ...learned, ...looked },
      { ...numbers(metrics), ...seen },
    ];
  }

  async flow(state: VariationalState, from: NDArray, edit: FlowEdit = {}): Promise<Flowed> {
    this.#checkItems(from.shape.slice(1), 'the start of the flow');
    const { potential, poisson, sampling } = this.#model;
    const { solver, rtol, atol, tEnd, stepSize, tStart = 0, onStep, saveAt = [], onSaved } = { ...sampling, ...edit };
    const options: SolveOptions = {
      solver,
      ...(stepSize === null ? { rtol, atol } : { stepSize }),
      ...(onStep && { onStep }),
      saveAt,
    };
    const n = from.shape[0] as number;
    const [x, ...kept] = [0, ...saveAt].map(() => new Float32Array(from.data.length)) as [
      Float32Array,
      ...Float32Array[],
    ];
    const counts = { evaluations: 0, accepted: 0, rejected: 0 };
    const field = potentialField(this.#runtime, potential, state.average ?? state.params, { clock: poisson.clock });
    try {
      for (const [first, end] of blocksOf(n, BLOCK)) {
        // Blocks of one size share a compiled field.
        const block = paddedRows(rowsOf(from, first, end), Math.min(n, BLOCK));
        const found = await solve(field.velocity, block, [tStart, tEnd], options);
        [found.x, ...found.saved].forEach((particles, i) => {
          const moved = rowsOf(particles, 0, end - first).data as Float64Array;
          [x, ...kept][i]?.set(moved, (first * x.length) / n);
        });
        for (const name of ['evaluations', 'accepted', 'rejected'] as const)
          counts[name] = Math.max(counts[name], found[name]);
      }
    } finally {
      await field.dispose();
    }
    kept.forEach((data) => onSaved?.(ndarray(data, from.shape)));
    return { x: ndarray(x, from.shape), ...counts };
  }

  async sample(
    state: VariationalState,
    n: number,
    draw: Stream,
    _labels?: NDArray,
    tell?: (facts: Metrics) => void,
  ): Promise<NDArray> {
    const { x, ...facts } = await this.flow(state, this.#prior(n, draw));
    tell?.(facts);
    return x;
  }

  async potential(state: VariationalState, x: NDArray, clock = 1): Promise<NDArray> {
    this.#checkItems(x.shape.slice(1), 'what is scored');
    return this.#values(state, x, full([x.shape[0] as number], clock));
  }

  async #values(state: VariationalState, x: NDArray, clocks: NDArray): Promise<NDArray> {
    const { potential, poisson } = this.#model;
    const params = state.average ?? state.params;
    return potentialValues(this.#runtime, potential, params, x, poisson.clock ? clocks : undefined);
  }

  async trajectory(state: VariationalState, n: number, draw: Stream, moments: number): Promise<readonly Moment[]> {
    const { tEnd } = this.#model.sampling;
    const start = this.#prior(n, draw);
    const count = Math.max(1, Math.min(moments - 1, MOMENTS));
    const clocks = Array.from({ length: count }, (_, i) => (tEnd * (i + 1)) / count);
    const seen = [start];
    await this.flow(state, start, { saveAt: clocks, onSaved: (x) => void seen.push(x) });
    const all = new Float32Array(seen.length * start.data.length);
    seen.forEach((x, i) => all.set(float32Data(x), i * start.data.length));
    const at = Float32Array.from({ length: seen.length * n }, (_, i) =>
      Math.min(1, clocks[Math.floor(i / n) - 1] ?? 0),
    );
    const items = ndarray(all, [seen.length * n, ...start.shape.slice(1)]);
    const values = float32Data(await this.#values(state, items, ndarray(at)));
    return seen.map((particles, i) => {
      const mean = values.subarray(i * n, (i + 1) * n).reduce((sum, value) => sum + value / n, 0);
      return { steps: Math.round(100 * (clocks[i - 1] ?? 0)), particles, metrics: { potentialParticles: mean } };
    });
  }

  exports(state: VariationalState): readonly ExportedFunction[] {
    const { potential, poisson, itemShape } = this.#model;
    return variationalExports({
      potential,
      params: state.average ?? state.params,
      itemShape,
      clock: poisson.clock,
    });
  }

  /** Items with the noise that data have at the end of the path, taken back along the flow to the prior. */
  async #encode(state: VariationalState, x: NDArray, draw: Stream): Promise<NDArray> {
    const { priorStd, dataStd } = this.#model.poisson;
    const noise = float32Data(draw.normal(x.shape));
    // a and √Σ of the homotopy at t = 1 (VAPO, Eq. 19).
    const scale = dataStd ** 2 + priorStd ** 2;
    const [a, spread] = [priorStd ** 2 / scale, (dataStd * priorStd) / Math.sqrt(scale)];
    const start = float32Data(x).map((value, i) => a * value + spread * (noise[i] as number));
    return (await this.flow(state, ndarray(start, x.shape), { tStart: 1, tEnd: 0 })).x;
  }

  particles(state: VariationalState): NDArray {
    return state.particles;
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#update.dispose(), this.#preview.dispose()]);
  }
}

/**
 * A model that learns a potential whose gradient flow carries the prior N(0, ω²I) to the data (VAPO, Algorithm 1): no Markov
 * chains in training, an ODE in sampling.
 */
export function variationalLearner(runtime: Runtime, model: VariationalModel): VariationalLearner {
  return new PotentialFlowLearner(runtime, model);
}

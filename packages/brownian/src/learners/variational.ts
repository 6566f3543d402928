import { type NDArray, ShapeError, float32Data, full, ndarray } from '@brownian/graph';
import type { Compiled, Runtime, Stream } from '@brownian/runtime';
import type {
  Batch,
  Dataset,
  ExportedFunction,
  LatentView,
  Metrics,
  Moment,
  Params,
  SampleWatch,
} from '../interfaces.ts';
import { rowsOf } from '../metrics/rows.ts';
import { startParticles } from '../samplers/start.ts';
import { checkItemShape } from './item-shape.ts';
import { potentialValues } from './potential-values.ts';
import { parameterCheck } from './parameter-shapes.ts';
import { type PreviewArguments, type PreviewResult, previewStep } from './preview.ts';
import { numbers } from './trajectory.ts';
import { variationalExports } from './variational-exports.ts';
import { runFlow } from './variational-flow.ts';
import type { FlowEdit, Flowed, VariationalLearner, VariationalModel, VariationalState } from './variational-model.ts';
import { type UpdateArguments, type UpdateResult, variationalUpdate } from './variational-update.ts';

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
  readonly #checkParams: (params: Params, draw: Stream) => void;
  readonly #update: Compiled<UpdateArguments, UpdateResult>;
  readonly #preview: Compiled<PreviewArguments, PreviewResult>;
  readonly latent: LatentView<VariationalState>;

  constructor(runtime: Runtime, model: VariationalModel) {
    const { name, potential, poisson } = model;
    this.name = name;
    this.#model = model;
    this.#runtime = runtime;
    this.#checkParams = parameterCheck(model, (key) => potential.init(key));
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

  #prior(n: number, draw: Stream): NDArray {
    const { itemShape, poisson } = this.#model;
    return startParticles({ start: 'noise', range: [-1, 1] }, [n, ...itemShape], poisson.priorStd, draw);
  }

  async init(key: Stream, data: Dataset): Promise<VariationalState> {
    checkItemShape(this.#model, data.itemShape, `the data set "${data.name}"`);
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
    checkItemShape(this.#model, x.shape.slice(1), 'the batch');
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
    checkItemShape(this.#model, from.shape.slice(1), 'the start of the flow');
    return await runFlow(this.#runtime, this.#model, state.average ?? state.params, from, edit);
  }

  async sample(
    state: VariationalState,
    n: number,
    draw: Stream,
    _labels?: NDArray,
    { onProgress, onDone }: SampleWatch = {},
  ): Promise<NDArray> {
    this.#checkParams(state.average ?? state.params, draw);
    const { x, ...facts } = await this.flow(state, this.#prior(n, draw), onProgress && { onProgress });
    onDone?.(facts);
    return x;
  }

  async potential(state: VariationalState, x: NDArray, clock = 1): Promise<NDArray> {
    checkItemShape(this.#model, x.shape.slice(1), 'what is scored');
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

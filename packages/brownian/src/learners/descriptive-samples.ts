import { type NDArray, sameShape } from '@brownian/graph';
import type { Runtime, Stream } from '@brownian/runtime';
import type { Moment, Params } from '../interfaces.ts';
import { type Held, langevin } from '../samplers/langevin.ts';
import { chooseRows, takeRows } from '../samplers/replay-buffer.ts';
import { startParticles } from '../samplers/start.ts';
import type { DescriptiveModel, DescriptiveState } from './descriptive-model.ts';
import { checkLabels, givenLabels, takeIntegers } from './labels.ts';
import type { LangevinOptions } from './options.ts';
import { parameterCheck } from './parameter-shapes.ts';
import { follow } from './trajectory.ts';

/** Particles, and their labels for conditional models. */
export interface Labelled {
  readonly x: NDArray;
  readonly labels?: NDArray;
}

/** How a descriptive model begins particles, and what they become: samples, by Langevin dynamics on the trained potential. */
export class DescriptiveSamples {
  readonly #runtime: Runtime;
  readonly #model: DescriptiveModel;
  readonly #checkParams: (params: Params, draw: Stream) => void;

  constructor(runtime: Runtime, model: DescriptiveModel) {
    this.#runtime = runtime;
    this.#model = model;
    this.#checkParams = parameterCheck(model, (key) => model.potential.init(key));
  }

  /** Labels, evenly drawn, of conditional models. */
  drawLabels(n: number, draw: Stream): NDArray | undefined {
    const { classes = 0 } = this.#model;
    return classes === 0 ? undefined : draw.integers([n], 0, classes);
  }

  /** New particles where chains begin, `[n, ...item]`. */
  fresh(n: number, draw: Stream): NDArray {
    const { chains, langevin: options, itemShape } = this.#model;
    return startParticles(chains, [n, ...itemShape], options.sigma, draw);
  }

  /** Where samples begin: the chains go on, if they are asked for and have items of this shape, and no label is wanted; else new particles. */
  start(state: DescriptiveState, n: number, draw: Stream, asked?: NDArray): Labelled {
    if (asked !== undefined) checkLabels(this.#model, asked, n);
    const chains = state.buffer ?? state.particles;
    const usable = this.#model.sampling.from === 'chains' && sameShape(chains.shape.slice(1), this.#model.itemShape);
    if (usable && asked === undefined) {
      const rows = chooseRows(chains.shape[0] as number, n, draw);
      const theirs = state.bufferLabels ?? state.labels;
      return { x: takeRows(chains, rows), ...(theirs && { labels: takeIntegers(theirs, rows) }) };
    }
    const labels = asked ?? this.drawLabels(n, draw);
    return { x: this.fresh(n, draw), ...(labels && { labels }) };
  }

  /** Langevin dynamics as samples are drawn with, which may be at another temperature than training. */
  get finalDynamics(): LangevinOptions {
    const { langevin: options, sampling } = this.#model;
    return { ...options, temperature: sampling.temperature ?? options.temperature };
  }

  /** A sampler of finished samples on Φ given their labels, and the parameters that it moves them by. */
  #samplerOf(state: DescriptiveState, draw: Stream, labels: NDArray | undefined, held?: Held) {
    const params = state.average ?? state.params;
    this.#checkParams(params, draw);
    const potential = givenLabels(this.#model.potential, labels);
    const sampler = langevin(this.#runtime, potential, this.finalDynamics, { frozen: true, ...(held && { held }) });
    return { sampler, params, potential };
  }

  /** Samples: these particles after the steps of a sample. */
  async finish(state: DescriptiveState, { x, labels }: Labelled, draw: Stream, held?: Held): Promise<NDArray> {
    const { sampler, params } = this.#samplerOf(state, draw, labels, held);
    try {
      const [end] = await sampler.run(sampler.init(params, x), this.#model.sampling.steps, draw);
      return end.x;
    } finally {
      await sampler.dispose();
    }
  }

  /** The way of these particles to samples, in at most so many looks, two at least. */
  async follow(state: DescriptiveState, { x, labels }: Labelled, draw: Stream, moments: number): Promise<Moment[]> {
    const { sampler, params, potential } = this.#samplerOf(state, draw, labels);
    const { langevin: options, sampling } = this.#model;
    try {
      const way = { sampler, potential, langevin: options, params };
      return await follow(this.#runtime, way, x, { steps: sampling.steps, count: moments, draw });
    } finally {
      await sampler.dispose();
    }
  }
}

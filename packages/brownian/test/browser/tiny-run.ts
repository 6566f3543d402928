import { type NDArray, flatten } from '@brownian/graph';
import { type Runtime, createStream } from '@brownian/runtime';
import { MODELS, type Params, batchIndices, createDescriptiveLearner, toyDataset } from 'brownian';

/** Values of every parameter by its path, as JSON can carry them. */
export type ParameterValues = Readonly<Record<string, readonly number[]>>;

/** What a tiny run leaves behind. */
export interface TinyRun {
  readonly runtime: string;
  /** Before the first iteration. */
  readonly start: ParameterValues;
  /** After the last. */
  readonly end: ParameterValues;
}

const ITERATIONS = 20;
const BATCH = 64;

function valuesOf(params: Params): ParameterValues {
  const { leaves, paths } = flatten<NDArray>(params);
  return Object.fromEntries(paths.map((path, i) => [path, Array.from((leaves[i] as NDArray).data, Number)]));
}

/**
 * Trains the wGCN of points for 20 iterations on eight Gaussians, from fixed seeds: the preset with narrower
 * layers, fewer particles and fewer Langevin steps. Nothing in here knows where it runs.
 */
export async function tinyRun(runtime: Runtime): Promise<TinyRun> {
  const stream = createStream('tiny run');
  const data = toyDataset('8-gaussians', stream.split('data'), 512);
  const preset = MODELS.wgcn.defaults(data.itemShape);
  const options = {
    ...preset,
    potential: { ...preset.potential, channels: [32, 32] },
    langevin: { ...preset.langevin, steps: 5 },
    chains: { ...preset.chains, particles: BATCH, bufferSize: 4 * BATCH },
  };
  const learner = createDescriptiveLearner(runtime, 'wgcn', options, data.itemShape);
  try {
    const order = batchIndices(stream.split('order'), data.size, BATCH);
    const draw = stream.split('draw');
    let state = await learner.init(stream.split('init'), data);
    const start = valuesOf(state.params);
    for (let i = 0; i < ITERATIONS; i++)
      [state] = await learner.step(state, await data.batch(order.indicesAt(i)), draw);
    return { runtime: runtime.name, start, end: valuesOf(state.params) };
  } finally {
    await learner.dispose();
  }
}

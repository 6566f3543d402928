import type { NDArray } from '@brownian/graph';
import { NonFiniteError, createStream } from '@brownian/runtime';
import {
  type Batch,
  type Dataset,
  type DescriptorLearnerOptions,
  type DescriptiveModelName,
  type DescriptiveState,
  type Layer,
  batchIndices,
  createLearner,
} from 'brownian';
import { filmWebp } from '../images/film.ts';
import { gridPng } from '../images/grid.ts';
import { companion } from './companion.ts';
import { type Curves, record } from './curves.ts';
import type { Bench, CellPicture } from './experiment.ts';
import type { Judge, Judgement } from './judge.ts';

/** A short training, on a handful of images that are all in one batch or on batches of more. */
export interface Trial {
  readonly label: string;
  readonly model: DescriptiveModelName;
  readonly options: DescriptorLearnerOptions;
  readonly filters?: Layer;
  /** All images that are learned from, or some of them to show, `[n, channels, height, width]`. */
  readonly batch: Batch;
  /** The batch of an iteration, from 0; default: always `batch`. */
  readonly batchAt?: (iteration: number) => Promise<Batch>;
  readonly iterations: number;
  readonly seed: number;
  /** Images per row of its pictures. */
  readonly columns: number;
  /** Shape of an image of another size, `[channels, height, width]`, that is drawn along; for weights per channel. */
  readonly synthesis?: readonly number[];
  /** What else is measured of the trained model. Its picture of samples takes the place of that of the particles. */
  readonly judge?: Judge;
}

/** What a trial measured. */
export interface TrialResult {
  /** A number per iteration that ended, by name; null where it is not finite. */
  readonly curves: Readonly<Record<string, readonly (number | null)[]>>;
  /** Iterations that ended; fewer than asked for when numbers stopped being finite. */
  readonly iterations: number;
  /** Why it ended early, in words; empty when it did not. */
  readonly stopped: string;
  /** Particles at the end, `[particles, ...item]`. */
  readonly particles: NDArray;
  readonly pictures: readonly CellPicture[];
  /** What the judge measured; empty without one, or when the trial ended early. */
  readonly measures: Judgement['measures'];
}

const FRAMES = 30;

/** A data set that is one batch. */
function fixedData(batch: Batch): Dataset {
  const { shape } = batch.x;
  return {
    name: 'the images of a trial',
    itemShape: shape.slice(1),
    size: shape[0] as number,
    batch: () => Promise.resolve(batch),
  };
}

/**
 * Trains a model and keeps every metric and a film of its particles. Ends early, with word of it, when numbers stop being finite.
 *
 * @returns null when it was stopped by the user
 */
export async function runTrial(trial: Trial, { runtime, task, stop }: Bench): Promise<TrialResult | null> {
  const { model, options, filters, batch, iterations, columns, synthesis } = trial;
  const stream = createStream(trial.seed).split('trial');
  const learner = createLearner(runtime, model, options, batch.x.shape.slice(1), filters);
  const curves: Curves = {};
  const draw = stream.split('draw');
  const along = stream.split('synthesis');
  const beside = synthesis && companion(runtime, trial, synthesis, along);
  let done = 0;
  let stopped = '';
  try {
    let state = await learner.init(stream.split('init'), fixedData(batch));
    const frames: NDArray[] = [learner.particles(state)];
    task.start(trial.label, iterations, 'iterations');
    while (done < iterations) {
      if (stop.aborted) return null;
      try {
        const [next, metrics] = await learner.step(state, (await trial.batchAt?.(done)) ?? batch, draw);
        state = next;
        record(curves, metrics);
        await beside?.follow((state as DescriptiveState).params, along);
      } catch (error) {
        if (!(error instanceof NonFiniteError)) throw error;
        stopped = `not finite in iteration ${done + 1}`;
        break;
      }
      done += 1;
      task.update(done);
      if (done % Math.ceil(iterations / FRAMES) === 0 || done === iterations) frames.push(learner.particles(state));
    }
    const particles = learner.particles(state);
    const judged =
      stopped === '' ? await trial.judge?.({ learner, state, stream: stream.split('samples') }) : undefined;
    const pictures: CellPicture[] = [
      { name: 'data', format: 'png', bytes: await gridPng(batch.x, { columns }) },
      ...(judged?.pictures ?? [
        { name: 'samples', format: 'png' as const, bytes: await gridPng(particles, { columns }) },
      ]),
      { name: 'film', format: 'webp', bytes: await filmWebp(frames, { columns }) },
    ];
    if (beside !== undefined)
      pictures.push({ name: 'synthesis', format: 'png', bytes: await gridPng(beside.picture()) });
    return { curves, iterations: done, stopped, particles, pictures, measures: judged?.measures ?? {} };
  } finally {
    task.stop();
    await Promise.all([learner.dispose(), beside?.dispose()]);
  }
}

/** A trial on batches of a data set. */
export interface BatchTrial extends Pick<Trial, 'label' | 'model' | 'options' | 'iterations' | 'seed'> {
  readonly data: Dataset;
  /** Images of a batch. */
  readonly images: number;
  readonly judge: Judge;
}

/** Trains a model on batches in the order that the seed draws. @returns null when it was stopped by the user */
export async function runOnBatches({ data, images, ...trial }: BatchTrial, bench: Bench): Promise<TrialResult | null> {
  const order = batchIndices(createStream(trial.seed).split('order'), data.size, images);
  const batchAt = (iteration: number): Promise<Batch> => data.batch(order.indicesAt(iteration));
  return await runTrial({ ...trial, batch: await batchAt(0), batchAt, columns: Math.ceil(Math.sqrt(images)) }, bench);
}

import { type Dataset, type Modes, TOY_DISTRIBUTIONS } from 'brownian';
import type { ImageOptions } from '../config/run-config.ts';
import { type DataOptions, type Split, type TracedData, openData, openTraced } from '../data/open.ts';
import { UserError } from '../errors.ts';
import type { Run } from '../runs/run.ts';

/** The data that samples are compared with. */
export interface Reference {
  /** What the user called them. */
  readonly name: string;
  readonly data: Dataset;
  readonly split: Split;
  /** Modes, for mixtures of Gaussians. */
  readonly modes: Modes | undefined;
  /** How they were opened, apart from the part: a run's own way, so that they come in its size and by its seed. */
  readonly options: Omit<DataOptions, 'split'>;
}

/** Seed of data that are drawn, so that a reference is the same for every seed of samples. */
const DATA_SEED = 1;

function parseSplit(text: string): Split {
  if (text === 'train' || text === 'test') return text;
  throw new UserError(`--split is ${JSON.stringify(text)}; it must be train or test.`);
}

/** The part asked for; otherwise the test part, or the training part of data that have no other. */
export async function openPart(
  name: string,
  options: Reference['options'],
  split: Split | undefined,
): Promise<[TracedData, Split]> {
  if (split !== undefined) return [await openTraced(name, { ...options, split }), split];
  try {
    return [await openTraced(name, { ...options, split: 'test' }), 'test'];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [await openTraced(name, { ...options, split: 'train' }), 'train'];
  }
}

/**
 * Opens what `--against` names, or a run's own data: their test part, or, to be compared item by item, the first.
 *
 * @throws UserError when there is neither, or it cannot be read
 */
export async function openReference(
  request: {
    readonly what: string;
    readonly against?: string;
    readonly split?: string;
    /** How images are prepared, where no run says it. Default: as they are. */
    readonly images?: ImageOptions;
  },
  run: Run | undefined,
  paired: boolean,
): Promise<Reference> {
  const name = request.against ?? run?.config.data;
  if (name === undefined) {
    throw new UserError(
      `Say what ${request.what} is to be compared with, for example: brownian evaluate ${request.what} --against mnist.`,
      { exitCode: 2 },
    );
  }
  const options = {
    ...(run?.config ?? { seed: DATA_SEED, ...(request.images && { images: request.images }) }),
    // Data that are named here are meant as they are typed.
    paths: request.against === undefined ? run?.record.data.paths : undefined,
    limit: null,
  };
  const asked = request.split === undefined ? undefined : parseSplit(request.split);
  const [{ data }, split] = await openPart(name, options, asked ?? (paired ? 'train' : undefined));
  const modes = Object.values(TOY_DISTRIBUTIONS).find((toy) => toy.name === name)?.modes;
  return { name, data, split, modes, options };
}

/**
 * Opens data that are to be scored. Items to be compared with a reference one by one are opened as that is; others are the
 * training part, of a seed of their own where they are drawn.
 *
 * @throws UserError when they cannot be read
 */
export async function openSamples(name: string, { split, options }: Reference, paired: boolean): Promise<Dataset> {
  return await openData(name, paired ? { ...options, split } : { ...options, seed: options.seed + 1, split: 'train' });
}

import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { type RunConfig, inFamily } from '../config/run-config.ts';
import { checkConfig, parseJson } from '../config/settings.ts';
import type { DataPaths } from '../data/open.ts';
import { UserError, fileProblem, systemCode } from '../errors.ts';
import { quoteArgument } from '../shell-words.ts';
import { removeLeftovers, syncFolder, writeAtomically } from './atomic.ts';

/** What is told of a run besides its configuration and results: the content of `run.json`. */
export interface RunRecord {
  /** The command line that started it. */
  readonly command: string;
  /** When it started, ISO 8601. */
  readonly created: string;
  /** `running` is also what a killed run says: whether a process is at work on it, its lock tells. */
  readonly status: 'running' | 'finished' | 'out of time' | 'interrupted' | 'diverged' | 'failed';
  /** Why it stopped, when that needs saying. */
  readonly message: string | null;
  readonly iterations: number;
  readonly seconds: { readonly training: number; readonly sampling: number; readonly total: number };
  readonly data: RecordedData;
  readonly machine: Machine;
}

/** What a run learned from. */
export interface RecordedData {
  readonly name: string;
  readonly itemShape: readonly number[];
  readonly size: number;
  /** Where the files lay when the run began; absent of data known by name, and in older runs. */
  readonly paths?: DataPaths | undefined;
  /** Tells other items from these; absent of data that are drawn, and in older runs. */
  readonly fingerprint?: string | undefined;
}

/** Where a run ran. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly threads: number;
  readonly memoryGB: number;
  readonly platform: string;
  readonly node: string;
  readonly runtime: string;
}

const RECORD: z.ZodType<RunRecord> = z.object({
  command: z.string(),
  created: z.string(),
  status: z.enum(['running', 'finished', 'out of time', 'interrupted', 'diverged', 'failed']),
  message: z.string().nullable(),
  iterations: z.number(),
  seconds: z.object({ training: z.number(), sampling: z.number(), total: z.number() }),
  data: z.object({
    name: z.string(),
    itemShape: z.array(z.int().min(1)),
    size: z.int().min(1),
    paths: z.object({ data: z.string(), labels: z.string().nullable() }).optional(),
    fingerprint: z.string().optional(),
  }),
  machine: z.object({
    cpu: z.string(),
    cores: z.number(),
    threads: z.number(),
    memoryGB: z.number(),
    platform: z.string(),
    node: z.string(),
    runtime: z.string(),
  }),
});

/** A run on disk: a folder with everything that is known of it. */
export interface Run {
  readonly path: string;
  readonly config: RunConfig;
  readonly record: RunRecord;
}

/** The files of a run's folder. */
export interface RunFiles {
  readonly config: string;
  readonly record: string;
  /** SQLite: metrics and events. */
  readonly database: string;
  /** Held by the process that works on the run. */
  readonly lock: string;
  readonly scores: string;
  readonly report: string;
  readonly samples: string;
  readonly checkpoints: string;
  /** Weights of filters that the run did not learn, without the ending of their format. */
  readonly filters: string;
  /** Real data, drawn like the samples. */
  readonly dataGrid: string;
  /** Samples drawn when training ended. */
  readonly finalGrid: string;
  /** The way of particles to samples when training ended: an animation, and what was measured on the way. */
  readonly trajectoryFilm: string;
  readonly trajectory: string;
  /** Of models of points with a potential: its contours and slopes when training ended, with samples, as SVG. */
  readonly landscape: string;
  /** The particles while they learned, as an animation. */
  readonly trainingFilm: string;
  /** Particles after an iteration. */
  grid(iteration: number): string;
  checkpoint(iteration: number): string;
}

function numbered(iteration: number, extension: string): string {
  return `iteration-${String(iteration).padStart(6, '0')}.${extension}`;
}

/** Where the files of the run at `path` are. */
export function runFiles(path: string): RunFiles {
  const samples = join(path, 'samples');
  const checkpoints = join(path, 'checkpoints');
  return {
    config: join(path, 'config.json'),
    record: join(path, 'run.json'),
    database: join(path, 'run.db'),
    lock: join(path, 'run.lock'),
    scores: join(path, 'scores.json'),
    report: join(path, 'report.html'),
    samples,
    checkpoints,
    filters: join(path, 'filters'),
    dataGrid: join(samples, 'data.png'),
    finalGrid: join(samples, 'final.png'),
    trajectoryFilm: join(samples, 'trajectory.webp'),
    trajectory: join(samples, 'trajectory.json'),
    landscape: join(samples, 'landscape.svg'),
    trainingFilm: join(samples, 'training.webp'),
    grid: (iteration) => join(samples, numbered(iteration, 'png')),
    checkpoint: (iteration) => join(checkpoints, numbered(iteration, 'safetensors')),
  };
}

/** The iterations for which a folder has a numbered file with this extension, ascending; none when there is no folder. */
export async function numberedFiles(folder: string, extension: 'png' | 'safetensors'): Promise<number[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw new UserError(`Cannot read ${folder}: ${fileProblem(error)}.`, { cause: error });
  });
  const pattern = new RegExp(`^iteration-(\\d+)\\.${extension}$`);
  const iterations = names.map((name) => pattern.exec(name)?.[1]).filter((digits) => digits !== undefined);
  return iterations.map(Number).toSorted((a, b) => a - b);
}

/** The first of `runs/mnist-wgcn-1`, `-2`, … that does not exist. */
export async function freeRunPath(config: RunConfig, root = 'runs'): Promise<string> {
  const name = basename(config.data).replaceAll(/[^\w.-]+/g, '-') || 'data';
  const taken = new Set(await readdir(root).catch(() => []));
  let number = 1;
  while (taken.has(`${name}-${config.model}-${number}`)) number += 1;
  return join(root, `${name}-${config.model}-${number}`);
}

/** Fills a folder with what every run has. `run.json` comes last: a folder is a run once it is there. */
async function fillRun(path: string, config: RunConfig, record: RunRecord): Promise<void> {
  const files = runFiles(path);
  await mkdir(files.samples, { recursive: true });
  await mkdir(files.checkpoints);
  await writeConfig(path, config);
  await writeRecord(path, record);
}

/** Creates a run's folder, whole or not at all. @throws UserError when it has files already or cannot be written. */
export async function createRun(path: string, config: RunConfig, record: RunRecord): Promise<Run> {
  const folder = dirname(resolve(path));
  const temporary = join(folder, `.${basename(resolve(path))}.tmp-${process.pid}`);
  const taken = `The folder ${path} is not empty; give another --out, or go on with its run: brownian resume ${quoteArgument(path)}.`;
  try {
    await mkdir(folder, { recursive: true });
    const names = await readdir(path).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return null;
      throw error;
    });
    if (names !== null && names.length > 0) throw new UserError(taken);
    if (names === null) {
      await rm(temporary, { recursive: true, force: true });
      await fillRun(temporary, config, record);
      await rename(temporary, path);
      await syncFolder(folder);
    } else await fillRun(path, config, record);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    if (error instanceof UserError) throw error;
    // Another process made a run of this name in the meantime.
    if (systemCode(error) === 'ENOTEMPTY' || systemCode(error) === 'EEXIST')
      throw new UserError(taken, { cause: error });
    throw new UserError(`Cannot make the folder ${path}: ${fileProblem(error)}.`, { cause: error });
  }
  return { path, config, record };
}

/** Writes `run.json`. */
export async function writeRecord(path: string, record: RunRecord): Promise<void> {
  await writeAtomically(runFiles(path).record, [`${JSON.stringify(record, null, 2)}\n`]);
}

/** Replaces `config.json`: a resumed run may go on for longer than it was first told. */
export async function writeConfig(path: string, config: RunConfig): Promise<void> {
  await writeAtomically(runFiles(path).config, [`${JSON.stringify(config, null, 2)}\n`]);
}

async function readJson(path: string, run: string): Promise<unknown> {
  try {
    return parseJson(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${run} is not a run: cannot read ${path} (${fileProblem(error)}).`, { cause: error });
  }
}

/** Opens the run in a folder. @throws UserError when it is none, or its configuration is not valid. */
export async function openRun(path: string): Promise<Run> {
  const files = runFiles(path);
  const config = checkConfig(await readJson(files.config, path), { kind: 'file', name: files.config });
  const record = RECORD.safeParse(await readJson(files.record, path));
  if (!record.success) {
    const place = record.error.issues[0]?.path.join('.') ?? '';
    throw new UserError(`${files.record} is damaged: it has no valid "${place}".`);
  }
  return { path, config, record: record.data };
}

/** Removes what a killed process left half-written. */
export async function tidyRun(path: string): Promise<void> {
  const files = runFiles(path);
  for (const folder of [path, files.samples, files.checkpoints]) {
    await mkdir(folder, { recursive: true });
    await removeLeftovers(folder);
  }
}

/**
 * Identifies the options that decide what a run computes. How long it goes on, its threads, what it writes, what it
 * does when it diverges and when it gives samples up are left out, so a run may be resumed with other values of those.
 */
export function configHash(config: RunConfig): string {
  const {
    iterations: _i,
    minutes: _m,
    threads: _t,
    checkpointEvery: _c,
    gridEvery: _g,
    samples: _s,
    onDivergence: _d,
    rollbacks: _r,
    images: { memory: _memory, ...images },
    ...others
  } = config;
  const decisive: Record<string, unknown> = { ...others, images };
  if (inFamily(config, 'variational')) {
    const { maxSteps: _steps, ...sampling } = config.sampling;
    decisive['sampling'] = sampling;
  }
  const sorted = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value)
            .map(([key, inner]) => [key, sorted(inner)] as const)
            .toSorted(([a], [b]) => (a < b ? -1 : 1)),
        )
      : value;
  return createHash('sha256')
    .update(JSON.stringify(sorted(decisive)))
    .digest('hex')
    .slice(0, 16);
}

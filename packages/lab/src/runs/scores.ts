import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { parseJson } from '../config/settings.ts';
import { UserError, fileProblem, systemCode } from '../errors.ts';
import { writeAtomically } from './atomic.ts';
import { runFiles } from './run.ts';

/** With what a score was measured: enough to measure it again, and to tell which scores compare. */
export interface ScoreProvenance {
  /** The metric, as `brownian evaluate --metrics` names it. */
  readonly metric: string;
  /** The feature network and the SHA-256 of its weights; null for metrics that use none. */
  readonly network: { readonly name: string; readonly hash: string } | null;
  /** How many samples were scored; 0 for a score of the reference itself. */
  readonly samples: number;
  /** What they were compared with; null for metrics of samples alone. */
  readonly reference: { readonly data: string; readonly split: string; readonly items: number } | null;
  /** Seed of samples, choices and projections. */
  readonly seed: number;
}

/** One figure of merit of a run's samples. */
export interface Score {
  readonly name: string;
  /** Null where it is infinite, such as the PSNR of equal images. */
  readonly value: number | null;
  /** Standard deviation between the subsets that the value is a mean of; null where there are none. */
  readonly error: number | null;
  /** What to know when reading it; may be empty. */
  readonly note: string;
  readonly provenance: ScoreProvenance;
}

const SCORES: z.ZodType<readonly Score[]> = z.array(
  z.strictObject({
    name: z.string(),
    value: z.number().nullable(),
    error: z.number().nullable(),
    note: z.string(),
    provenance: z.strictObject({
      metric: z.string(),
      network: z.strictObject({ name: z.string(), hash: z.string() }).nullable(),
      samples: z.int().min(0),
      reference: z.strictObject({ data: z.string(), split: z.string(), items: z.int().min(0) }).nullable(),
      seed: z.number(),
    }),
  }),
);

/** Writes `scores.json` of the run at `path`; the report shows it as a table. */
export async function writeScores(path: string, scores: readonly Score[]): Promise<void> {
  await writeAtomically(runFiles(path).scores, [`${JSON.stringify(scores, null, 2)}\n`]);
}

/** Adds scores to those of the run at `path`; one measured with the same things before is replaced. */
export async function addScores(path: string, scores: readonly Score[]): Promise<void> {
  const key = ({ name, provenance }: Score): string => JSON.stringify([name, provenance]);
  const renewed = new Set(scores.map(key));
  const kept = (await readScores(path)).filter((score) => !renewed.has(key(score)));
  await writeScores(path, [...kept, ...scores]);
}

/** The scores of the run at `path`; none when it was not scored. @throws UserError when the file is damaged. */
export async function readScores(path: string): Promise<readonly Score[]> {
  const file = runFiles(path).scores;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw new UserError(`Cannot read ${file}: ${fileProblem(error)}.`, { cause: error });
  }
  const parsed = SCORES.safeParse(parseJson(text, file));
  if (!parsed.success) {
    const remedy = 'delete it and score the run again with: brownian evaluate';
    throw new UserError(
      `${file} is damaged or of an older version: it must be a list of { name, value, error, note, provenance }; ${remedy} ${path}.`,
    );
  }
  return parsed.data;
}

/** In one line, with what a score was measured. */
export function describeProvenance(provenance: ScoreProvenance): string {
  return describeMeasure(provenance, ` (seed ${provenance.seed})`);
}

/** In one line, what two scores of a name must share to compare: all but the seed, which decides of chance alone. */
export function describeComparable(provenance: ScoreProvenance): string {
  return describeMeasure(provenance, '');
}

function describeMeasure({ network, samples, reference }: ScoreProvenance, drawn: string): string {
  const count = (n: number): string => n.toLocaleString('en-US');
  const data = reference && `${count(reference.items)} items of ${reference.data} (${reference.split} split)`;
  const parts = samples === 0 ? [] : [`${count(samples)} samples${drawn}`];
  if (data !== null) parts.push(samples === 0 ? data : `against ${data}`);
  const by = network === null ? '' : `; network: ${network.name}${hashText(network.hash)}`;
  return `${parts.join(' ')}${by}`;
}

function hashText(hash: string): string {
  return hash === 'none' ? '' : `, sha256 ${hash.slice(0, 12)}`;
}

/** Metrics that say most of samples by themselves: of images, of points. */
const HEADLINES: readonly string[] = ['fid', 'sw'];

/** The score that stands for a run at a glance: the newest of the metric that says most, or of what its list begins with. */
export function headlineOf(scores: readonly Score[]): Score | undefined {
  for (const metric of HEADLINES) {
    const newest = scores.findLast(({ provenance }) => provenance.metric === metric && provenance.samples > 0);
    if (newest !== undefined) return newest;
  }
  return scores.findLast(({ name }) => name === scores[0]?.name);
}

import { basename } from 'node:path';
import type { MetricsRecord } from '../runs/database.ts';
import type { Run } from '../runs/run.ts';
import type { Score } from '../runs/scores.ts';
import type { TrajectoryFacts } from './trajectory.ts';

/** Particles as they stood after an iteration. */
export interface Frame {
  readonly iteration: number;
  /** The PNG, base64. */
  readonly png: string;
  /** What to say of the moment. */
  readonly caption: string;
}

/** Everything a report shows, read from the run's folder. */
export interface ReportFacts {
  readonly run: Run;
  /** The command line that gives the run again. */
  readonly command: string;
  /** What its model is called. */
  readonly model: { readonly title: string; readonly description: string };
  /** The model's defaults for this data, by group and option, to mark what was changed. */
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly records: readonly MetricsRecord[];
  readonly scores: readonly Score[];
  readonly frames: readonly Frame[];
  /** The way of particles to samples when training ended; null when none was made. */
  readonly trajectory: TrajectoryFacts | null;
  /** Contours and slopes of the potential with samples, an SVG element; null for models without one, and for images. */
  readonly landscape: string | null;
  /** Samples of the trained model as base64 PNG; null while there are none. */
  readonly samples: string | null;
  /** Real data, likewise. */
  readonly realData: string | null;
}

/** Whether the run's items are images; they are points otherwise. */
export function isImages({ record }: Run): boolean {
  return record.data.itemShape.length === 3;
}

/** What the items are called. */
export function itemNoun(run: Run): 'images' | 'points' {
  return isImages(run) ? 'images' : 'points';
}

/** The data's name as a title shows it. */
export function dataTitle({ record }: Run): string {
  return record.data.name === 'mnist' ? 'MNIST' : basename(record.data.name);
}

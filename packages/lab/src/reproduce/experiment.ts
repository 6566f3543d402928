import type { Runtime } from '@brownian/runtime';
import type { Markup } from '../report/html.ts';
import type { TaskProgress } from '../task-progress.ts';

/** A setting of a cell: what is written in its file, and what its row of the table says. */
export type Setting = string | number;

/** One piece of an experiment that is run, kept and reported by itself. */
export interface Cell {
  /** Everything that decides its result; two cells with equal settings are the same cell. */
  readonly settings: Readonly<Record<string, Setting>>;
}

/** A picture that a cell leaves beside its result. */
export interface CellPicture {
  /** Such as `samples`. */
  readonly name: string;
  readonly format: 'png' | 'webp';
  readonly bytes: Uint8Array;
}

/** What running a cell gives. Numbers that are not finite are null. */
export interface Measured {
  /** Single numbers by name, such as `finalDistance`. */
  readonly measures: Readonly<Record<string, number | null>>;
  /** A number per iteration, by name. */
  readonly curves: Readonly<Record<string, readonly (number | null)[]>>;
  /** What a reader should know about this cell, such as why it stopped early; empty as a rule. */
  readonly note: string;
  readonly pictures: readonly CellPicture[];
}

/** A cell that has been run, as it is stored. */
export interface CellResult extends Omit<Measured, 'pictures'> {
  readonly settings: Cell['settings'];
  /** Wall-clock seconds. */
  readonly seconds: number;
  /** When it ended, as an ISO date. */
  readonly ended: string;
  readonly machine: string;
  /** Pictures by name: the paths of their files, relative to the experiment's folder. */
  readonly pictures: Readonly<Record<string, string>>;
}

/** How the text of an option is read. */
export type OptionKind = 'numbers' | 'counts' | 'words' | 'whole number' | 'text';

/** A value of an option, as its kind says: numbers, words, a number or a text. */
export type OptionValue = readonly number[] | readonly string[] | number | string;

/** An option of an experiment, which is a flag of the command. */
export interface ExperimentOption {
  readonly kind: OptionKind;
  readonly meaning: string;
  /** As the user would type it; null for a text that may be left out. */
  readonly standard: string | null;
}

/** Options after they were read, by name. */
export type Scale = Readonly<Record<string, OptionValue | null>>;

/** What cells are run with, opened once for all of them. */
export interface Bench {
  readonly runtime: Runtime;
  /** CPU threads that it computes with. */
  readonly threads: number;
  readonly task: TaskProgress;
  readonly stop: AbortSignal;
  /** Tells the user something. */
  note(text: string): void;
}

/** A table of a report; the first row is its head. */
export interface ReportTable {
  readonly title: string;
  readonly rows: readonly (readonly string[])[];
  readonly note: string;
}

/** What an experiment makes of its cells. */
export interface Findings {
  readonly lead: string;
  readonly tables: readonly ReportTable[];
  /** Charts and pictures, for the page alone: pictures may show data that must not be passed on. */
  readonly figures: readonly Markup[];
  /** An SVG that shows no data, to be passed on beside the tables. */
  readonly curves?: string | undefined;
}

/** An experiment of a paper: its cells, how one is run, and what is made of the results. */
export interface Experiment {
  readonly name: string;
  readonly title: string;
  /** What it repeats: the paper and its figure or table. */
  readonly summary: string;
  readonly options: Readonly<Record<string, ExperimentOption>>;
  readonly examples: readonly string[];
  /** The cells, in the order in which they are run. @throws UserError when options do not fit together. */
  plan(scale: Scale): readonly Cell[];
  /** Opens data and filters and returns how a cell is run; `null` is returned for a cell that was stopped. */
  open(scale: Scale, bench: Bench): Promise<(cell: Cell) => Promise<Measured | null>>;
  /** @param picture the bytes of a picture of a cell as a `data:` address */
  findings(results: readonly CellResult[], scale: Scale, picture: (path: string) => string): Findings;
}

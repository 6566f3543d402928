import { UserError } from '../errors.ts';
import type { Cell, ExperimentOption, Scale, Setting } from './experiment.ts';
import { numberOf, textOf } from './options.ts';

/** What time is measured by: the wall clock, or the processor time of this process, for a machine that others use too. */
export type Clock = 'wall' | 'cpu';

/** How long a model is trained: for so many iterations, or for a time. */
export type Budget = { readonly iterations: number } | { readonly seconds: number; readonly clock: Clock };

/** Equal time for every model. */
export function timedOptions(seconds: string): Readonly<Record<'seconds' | 'clock', ExperimentOption>> {
  return {
    seconds: { kind: 'whole number', meaning: 'seconds of training of each', standard: seconds },
    clock: {
      kind: 'text',
      meaning: 'what counts them: wall, or cpu, processor time over threads, for a machine that others use',
      standard: 'wall',
    },
  };
}

/** The settings that keep an equal time, from {@link timedOptions}. @throws UserError unless the clock is one */
export function timeSettings(scale: Scale): { readonly seconds: number; readonly clock: Clock } {
  const clock = textOf(scale, 'clock');
  if (clock === 'wall' || clock === 'cpu') return { seconds: numberOf(scale, 'seconds'), clock };
  throw new UserError(`--clock is ${JSON.stringify(clock)}; it must be wall or cpu.`, { exitCode: 2 });
}

/** The time that the settings of a cell keep. */
export function timeOf({ settings }: Cell): { readonly seconds: number; readonly clock: Clock } {
  return { seconds: Number(settings['seconds']), clock: settings['clock'] as Clock };
}

/** The clock of the times that a cell tells; the wall's where its time is not limited. */
export function clockOf({ settings }: Cell): Clock {
  return settings['clock'] === 'cpu' ? 'cpu' : 'wall';
}

/** What stands in a list of contenders: a name, which is trained for the time of all, or a name and its own iterations. */
export interface Entry<Name extends string> {
  readonly name: Name;
  /** Null for the time of all. */
  readonly iterations: number | null;
}

/** Reads `eieg` or `eieg@60000`. @throws UserError for anything else, naming the flag and the names that it takes */
export function parseEntry<Name extends string>(flag: string, text: string, names: readonly Name[]): Entry<Name> {
  const [, word = '', iterations] = /^([a-z0-9-]+)(?:@([1-9]\d{0,6}))?$/.exec(text) ?? [];
  const name = names.find((known) => known === word);
  if (name !== undefined) return { name, iterations: iterations === undefined ? null : Number(iterations) };
  throw new UserError(
    `--${flag} has ${JSON.stringify(text)}; it takes ${names.join(', ')}, with a number of iterations if it should not be trained for the time of all, such as ${names[0]}@500.`,
    { exitCode: 2 },
  );
}

/** What the settings of a cell say of its budget: nothing for an entry with iterations of its own. @throws UserError as {@link timeSettings} */
export function entrySettings({ iterations }: Entry<string>, scale: Scale): Readonly<Record<string, Setting>> {
  const time = timeSettings(scale);
  return iterations === null ? time : {};
}

/** The budget of a cell: the iterations of its entry, or the time that its settings keep. */
export function budgetOf({ iterations }: Entry<string>, cell: Cell): Budget {
  return iterations === null ? timeOf(cell) : { iterations };
}

import { UserError } from '../errors.ts';
import type { Experiment, ExperimentOption, OptionValue, Scale } from './experiment.ts';

function refuse(flag: string, text: string, expected: string): never {
  throw new UserError(`--${flag} is ${JSON.stringify(text)}; it must be ${expected}.`, { exitCode: 2 });
}

function readOption(flag: string, { kind }: ExperimentOption, text: string): OptionValue {
  if (kind === 'text') return text;
  if (kind === 'whole number') {
    if (!/^\d{1,7}$/.test(text) || Number(text) < 1) refuse(flag, text, 'a whole number of at least 1');
    return Number(text);
  }
  const parts = text.split(',').map((part) => part.trim());
  if (parts.includes('')) refuse(flag, text, 'a list with commas between');
  if (new Set(parts).size < parts.length) refuse(flag, text, 'a list in which nothing stands twice');
  if (kind === 'words') return parts;
  const numbers = parts.map(Number);
  if (!numbers.every((value) => Number.isFinite(value) && value >= 0))
    refuse(flag, text, 'numbers of at least 0 with commas between');
  if (kind === 'counts' && !numbers.every((value) => Number.isInteger(value) && value >= 1))
    refuse(flag, text, 'whole numbers of at least 1 with commas between');
  return numbers;
}

/**
 * Reads the options of an experiment; those that were not given have their standard values.
 *
 * @throws UserError that names the flag and what it takes
 */
export function readScale({ options }: Experiment, given: Readonly<Record<string, string | undefined>>): Scale {
  return Object.fromEntries(
    Object.entries(options).map(([flag, option]) => {
      const text = given[flag] ?? option.standard;
      return [flag, text === null ? null : readOption(flag, option, text)];
    }),
  );
}

/** A list of numbers by the name of its option. */
export function numbersOf(scale: Scale, name: string): readonly number[] {
  return scale[name] as readonly number[];
}

/** A list of words by the name of its option. */
export function wordsOf(scale: Scale, name: string): readonly string[] {
  return scale[name] as readonly string[];
}

/** A whole number by the name of its option. */
export function numberOf(scale: Scale, name: string): number {
  return scale[name] as number;
}

/** A text by the name of its option; null when it was left out. */
export function textOf(scale: Scale, name: string): string | null {
  return scale[name] as string | null;
}

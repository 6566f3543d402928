import type { ModelName } from 'brownian';
import type { Settings } from '../config/settings.ts';
import { UserError } from '../errors.ts';

/** A model, and for how many iterations it is trained. */
export interface Timed<Name extends string> {
  readonly model: Name;
  readonly iterations: number;
}

/** `vapo@5000`: a model and its iterations. @throws UserError for anything else, naming the flag and the models it takes */
export function parseTimed<Name extends string>(flag: string, text: string, names: readonly Name[]): Timed<Name> {
  const [, model = '', iterations = ''] = /^([a-z0-9-]+)@([1-9]\d{0,6})$/.exec(text) ?? [];
  const found = names.find((name) => name === model);
  if (found === undefined)
    throw new UserError(
      `--${flag} has ${JSON.stringify(text)}; it takes ${names.join(', ')} with their iterations, such as ${names[0]}@500.`,
      { exitCode: 2 },
    );
  return { model: found, iterations: Number(iterations) };
}

/** An adversarial model by a name of its own, with what sets it apart from the preset. */
export interface Contender {
  readonly model: ModelName<'adversarial'>;
  readonly settings: Settings;
}

/** A contender, and for how long it is trained. */
export interface Entry extends Contender {
  readonly name: string;
  readonly iterations: number;
}

/**
 * Reads `eieg@60000`: a contender and its iterations.
 *
 * @param flag as messages call it
 * @throws UserError for anything else
 */
export function parseEntry(text: string, contenders: Readonly<Record<string, Contender>>, flag: string): Entry {
  const { model: name, iterations } = parseTimed(flag, text, Object.keys(contenders));
  return { ...(contenders[name] as Contender), name, iterations };
}

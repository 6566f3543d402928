import type { ModelName } from 'brownian';
import type { Settings } from '../config/settings.ts';
import { UserError } from '../errors.ts';

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
  const [, name = '', iterations] = /^([a-z0-9-]+)@([1-9]\d{0,6})$/.exec(text) ?? [];
  const contender = Object.hasOwn(contenders, name) ? contenders[name] : undefined;
  if (contender !== undefined) return { ...contender, name, iterations: Number(iterations) };
  const names = Object.keys(contenders);
  throw new UserError(
    `--${flag} has ${JSON.stringify(text)}; it takes ${names.join(', ')}, each with its iterations, such as ${names[0] ?? ''}@2000.`,
    { exitCode: 2 },
  );
}

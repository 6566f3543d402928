import { type Command, Option } from 'commander';
import { type Field, FIELDS, keyOf } from '../config/fields.ts';
import { kebab } from '../config/suggest.ts';

/** How finished samples are drawn: the options of the group `sampling`, of whatever model. */
const SAMPLING: readonly Field[] = FIELDS.filter(({ group }) => group === 'sampling');

/** Adds the options of the group `sampling` to a command, under their short names. */
export function addSampling(command: Command): void {
  for (const field of SAMPLING) {
    const choices = field.kind === 'choice' ? `: ${field.choices.join(', ')}` : '';
    const description = `${field.description}${choices} (default: that of the run)`;
    command.addOption(new Option(`--${kebab(keyOf(field))} <value>`, description).helpGroup('How samples are drawn:'));
  }
}

/** Text of the flags that stand for options of the group `sampling`, by path. */
export function samplingFlags(values: object): Readonly<Record<string, string | undefined>> {
  const given = values as Readonly<Record<string, string | undefined>>;
  return Object.fromEntries(SAMPLING.map((field) => [field.path, given[keyOf(field)]]));
}

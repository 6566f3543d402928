import { Option } from 'commander';
import { type Family, type FamilyOptions, MODELS, familyOf } from 'brownian';
import { familyConfig } from './families.ts';
import type { RunConfig } from './run-config.ts';
import { type Field, FIELDS, flagOf, valueOf, valueText } from './fields.ts';
import { FLAG_ALIASES, GROUP_TITLES, RUN_DEFAULTS, runDefaults } from './schema.ts';
import { plainName } from './suggest.ts';

const PLACEHOLDERS: Readonly<Record<Field['kind'], string>> = {
  integer: '<n>',
  number: '<x>',
  boolean: '<true|false>',
  string: '<text>',
  choice: '<name>',
  list: '<n,…>',
  pair: '<low,high>',
};

/** Shape of the items that the defaults shown by `--help` are for. */
const HELP_SHAPE: readonly number[] = [1, 28, 28];

function defaultsFor(model: RunConfig['model']): Readonly<Record<string, unknown>> {
  const defaults: FamilyOptions[Family] = MODELS[model].defaults(HELP_SHAPE);
  return {
    ...runDefaults(model, HELP_SHAPE),
    ...defaults,
    batchSize: familyConfig(familyOf(model)).batchSize(defaults, Infinity),
  };
}

/**
 * The options of `brownian train` as commander wants them, made from the schema: `--langevin.steps <n>` and the like, grouped,
 * with unit, choices and default in the help text.
 *
 * @param model whose options and defaults the help shows; those of other families are understood, to be refused in a sentence.
 * @param paths only these options; default: all but `data`, which is an argument.
 */
export function commandOptions(model: RunConfig['model'], paths?: readonly string[]): Option[] {
  const defaults = defaultsFor(model);
  const offered = FIELDS.filter((field) => (paths === undefined ? field.path !== 'data' : paths.includes(field.path)));
  return offered.map((field) => {
    const alias = FLAG_ALIASES[field.path];
    // A unit of one word says more than <n> does.
    const named = /^[a-z]+$/.test(field.unit);
    const placeholder = named ? `<${field.unit}>` : PLACEHOLDERS[field.kind];
    const flags = `${alias === undefined ? '' : `--${alias}, `}${flagOf(field)} ${placeholder}`;
    const unit = field.unit === '' || named ? '' : `, in ${field.unit}`;
    const choices = field.kind === 'choice' ? `choices: ${field.choices.join(', ')}; ` : '';
    const description = `${field.description}${unit} (${choices}default: ${valueText(valueOf(defaults, field))})`;
    const option = new Option(flags, description).helpGroup(`${GROUP_TITLES[field.group] ?? field.group}:`);
    return field.families.includes(familyOf(model)) ? option : option.hideHelp();
  });
}

/** Every long flag a schema option can be given by. */
function knownFlags(): string[] {
  return FIELDS.flatMap((field) => [
    flagOf(field),
    ...(FLAG_ALIASES[field.path] === undefined ? [] : [`--${FLAG_ALIASES[field.path]}`]),
  ]);
}

/** Spells flags as commander knows them: `--flow.energyL2 0` and `--batchSize=8` are understood too. */
export function spellFlags(argv: readonly string[]): string[] {
  const known = new Map(knownFlags().map((flag) => [plainName(flag), flag]));
  return argv.map((argument) => {
    const [, name, rest] = /^(--[A-Za-z][\w.-]*)(=.*)?$/s.exec(argument) ?? [];
    const flag = name === undefined ? undefined : known.get(plainName(name));
    return flag === undefined ? argument : `${flag}${rest ?? ''}`;
  });
}

/** The path of each option by the name under which commander keeps it. */
export function flagValues(values: Readonly<Record<string, unknown>>): Record<string, string | undefined> {
  const flags: Record<string, string | undefined> = {};
  for (const { path } of FIELDS) {
    const value = values[path];
    if (typeof value === 'string') flags[path] = value;
  }
  return flags;
}

/** The model an argument list names, if it is one there is: help shows its defaults. */
export function modelIn(argv: readonly string[]): RunConfig['model'] {
  const at = argv.findIndex((argument) => argument === '--model' || argument === '-m');
  const named =
    at < 0 ? argv.find((argument) => argument.startsWith('--model='))?.slice('--model='.length) : argv[at + 1];
  const models = Object.keys(MODELS) as RunConfig['model'][];
  return models.find((model) => model === named) ?? RUN_DEFAULTS.model;
}

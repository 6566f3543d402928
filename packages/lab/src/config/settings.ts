import { readFile } from 'node:fs/promises';
import { type Family, FAMILIES, type FamilyOptions, MODELS, familyOf } from 'brownian';
import { UserError, fileProblem } from '../errors.ts';
import { type Field, FIELDS, flagOf, keyOf, valueOf } from './fields.ts';
import { FAMILY_CONFIGS, familyConfig } from './families.ts';
import type { DataFacts, Rule } from './family-config.ts';
import { type Source, check } from './problems.ts';
import type { RunConfig } from './run-config.ts';
import { MODEL, RUN_DEFAULTS, SETTINGS, configSchema, runDefaults } from './schema.ts';

/** Some options of a run, checked: what a configuration file or the command line says. */
export type Settings = { readonly [key: string]: unknown };

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `over` on top of `base`, group by group; neither is changed. */
export function mergeSettings(base: Settings, over: Settings): Settings {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isRecord(below) && isRecord(value) ? mergeSettings(below, value) : value;
  }
  return merged;
}

/** Parses JSON. @throws UserError naming `name`, the line and the column. */
export function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const position = /position (\d+)/.exec(reason)?.[1];
    const before = text.slice(0, position === undefined ? text.length : Number(position)).split('\n');
    const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
    throw new UserError(`${name} is not valid JSON (at ${place}).`, { cause: error });
  }
}

/**
 * Reads a configuration file: a JSON object with any of the options.
 *
 * @throws UserError when it is missing, not JSON, or has an option or value that does not exist.
 */
export async function readSettings(path: string): Promise<Settings> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new UserError(`Cannot read the configuration file ${path}: ${fileProblem(error)}.`, { cause: error });
  }
  const raw = parseJson(text, path);
  check(SETTINGS, raw, { kind: 'file', name: path });
  return raw as Settings;
}

function asNumber(text: string): number | string {
  const value = Number(text);
  return text.trim() === '' || !Number.isFinite(value) ? text : value;
}

/** The value a flag's text stands for; text that cannot be read is passed on, for the schema to refuse. */
function parseFlag(field: Field, text: string): unknown {
  if (text === 'none' && field.kind === 'list') return [];
  if (text === 'none' && field.nullable) return null;
  if (field.kind === 'integer' || field.kind === 'number') return asNumber(text);
  if (field.kind === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (field.kind === 'list' || field.kind === 'pair') {
    const items = text.split(',').map(asNumber);
    return items.every((item) => typeof item === 'number') ? items : text;
  }
  return text;
}

/**
 * Settings from the flags of a command line.
 *
 * @param flags text by option path, such as `{ 'langevin.steps': '40' }`.
 * @throws UserError when a value is not allowed.
 */
export function settingsFromFlags(flags: Readonly<Record<string, string | undefined>>): Settings {
  let settings: Settings = {};
  for (const field of FIELDS) {
    const text = flags[field.path];
    if (text === undefined) continue;
    const value = parseFlag(field, text);
    const key = keyOf(field);
    settings = mergeSettings(settings, field.group === '' ? { [key]: value } : { [field.group]: { [key]: value } });
  }
  check(SETTINGS, settings, { kind: 'flag' });
  return settings;
}

/** How the data are opened: these settings on top of the defaults. */
export function dataOptions(settings: Settings): Pick<RunConfig, 'limit' | 'seed' | 'images'> {
  const { limit, seed, images } = mergeSettings({ ...RUN_DEFAULTS }, settings);
  return { limit, seed, images } as Pick<RunConfig, 'limit' | 'seed' | 'images'>;
}

/** Refuses options that the model's family does not have. @throws UserError naming one, whose it is, and what to do */
function refuseForeign(settings: Settings, model: RunConfig['model'], source: Source): void {
  const family = familyOf(model);
  const foreign = FIELDS.find((field) => !field.families.includes(family) && valueOf(settings, field) !== undefined);
  if (foreign === undefined) return;
  const name = source.kind === 'flag' ? flagOf(foreign) : `"${foreign.path}" in ${source.name}`;
  const owners = foreign.families.map(
    (owner) => `${FAMILY_CONFIGS[owner].title} (${Object.keys(FAMILIES[owner].models).join(', ')})`,
  );
  throw new UserError(
    `${name} is an option of ${owners.join(' and ')}; ${model} does not have it, so leave it out or choose one of these models.`,
  );
}

/** Rules of every model. */
const RULES: readonly Rule<RunConfig>[] = [
  ({ images }, { itemShape }) => {
    const changed = FIELDS.find(
      (field) => field.group === 'images' && valueOf({ images }, field) !== valueOf(RUN_DEFAULTS as never, field),
    );
    return (
      itemShape.length === 1 &&
      changed !== undefined &&
      `${flagOf(changed)} is for images; the items of these data are points, so leave it out.`
    );
  },
  ({ images: { range } }) =>
    range !== null &&
    range[0] >= range[1] &&
    `--images.range is ${range.join(',')}; its first number must be below its second.`,
];

/** What is wrong with an option that was given and that nothing reads; false where there is none. */
export function unreadOption(settings: Settings, defaults: Settings, config: RunConfig): string | false {
  const { unread } = familyConfig(familyOf(config.model));
  for (const { when, options, because } of unread(config)) {
    const given = FIELDS.find(
      (field) =>
        when &&
        options.includes(field.path) &&
        valueOf(settings, field) !== undefined &&
        JSON.stringify(valueOf(settings, field)) !== JSON.stringify(valueOf(defaults, field)),
    );
    if (given !== undefined) return `${flagOf(given)} is given, and ${because}.`;
  }
  return false;
}

/** Defaults that depend on other settings: batches no larger than the data, and what the family makes follow. */
function followSettings(settings: Settings, model: RunConfig['model'], data: DataFacts): Settings {
  const rules = familyConfig(familyOf(model));
  const defaults: FamilyOptions[Family] = MODELS[model].defaults(data.itemShape);
  const run = runDefaults(model, data.itemShape);
  const batchSize = settings['batchSize'] as number | undefined;
  const iterations = (settings['iterations'] ?? run.iterations) as number;
  const followed = rules.follow(defaults, { iterations, batchSize, itemShape: data.itemShape, given: settings });
  // Some options decide how many items an iteration takes, so those that were given count here.
  const options = mergeSettings({ ...followed }, settings) as unknown as FamilyOptions[Family];
  return { ...run, ...followed, batchSize: Math.min(rules.batchSize(options, data.size), data.size) };
}

/** Checks a configuration as it stands in a file. @throws UserError when it is not complete, or has what its model does not have */
export function checkConfig(raw: unknown, source: Source): RunConfig {
  const { model } = check(MODEL, raw, source);
  refuseForeign(raw as Settings, model, source);
  return check(configSchema(familyOf(model)), raw, source);
}

/**
 * The full configuration: the model's defaults for this data, with the settings on top.
 *
 * @param settings must name `data`.
 * @param data as it is after `limit`.
 * @param run the run that goes on, whose own options are not asked for anew; default: a new one
 * @throws UserError when options contradict each other, the model or the data, or are given and not read.
 */
export function resolveConfig(settings: Settings, data: DataFacts, run?: RunConfig): RunConfig {
  const model = (settings['model'] ?? RUN_DEFAULTS.model) as RunConfig['model'];
  refuseForeign(settings, model, { kind: 'flag' });
  const defaults = followSettings(settings, model, data);
  const config = checkConfig(mergeSettings(defaults, settings), { kind: 'flag' });
  const rules: readonly Rule<RunConfig>[] = [...familyConfig(familyOf(model)).rules, ...RULES];
  for (const rule of rules) {
    const broken = rule(config, data);
    if (broken !== false) throw new UserError(broken);
  }
  const idle = unreadOption(settings, run === undefined ? defaults : { ...run }, config);
  if (idle !== false) throw new UserError(idle);
  return config;
}

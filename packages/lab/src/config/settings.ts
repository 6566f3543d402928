import { readFile } from 'node:fs/promises';
import { MODELS, gridShapes } from 'brownian';
import { UserError, fileProblem } from '../errors.ts';
import { type Field, FIELDS, flagOf, keyOf, valueOf } from './fields.ts';
import { check } from './problems.ts';
import { CONFIG, RUN_DEFAULTS, type RunConfig, SETTINGS } from './schema.ts';

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

/** What the rules and defaults have to know of the data. */
export interface DataFacts {
  /** Shape of one item: images `[channels, height, width]` or points `[2]`. */
  readonly itemShape: readonly number[];
  readonly size: number;
}

/** How the data are opened: these settings on top of the defaults. */
export function dataOptions(settings: Settings): Pick<RunConfig, 'limit' | 'seed' | 'images'> {
  const { limit, seed, images } = mergeSettings({ ...RUN_DEFAULTS }, settings);
  return { limit, seed, images } as Pick<RunConfig, 'limit' | 'seed' | 'images'>;
}

/** The message of what a check throws; false when it does not apply or throws nothing. */
function problemOf(verify: () => unknown, applies: boolean): string | false {
  if (!applies) return false;
  try {
    verify();
    return false;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Options that exclude each other or the data; each rule gives its sentence when broken. */
const RULES: readonly ((config: RunConfig, data: DataFacts) => string | false)[] = [
  ({ potential: { net } }, { itemShape }) =>
    (net === 'mlp') !== (itemShape.length === 1) &&
    `--potential.net is ${net}, which takes ${net === 'mlp' ? 'points' : 'images'}; the items of these data have shape ` +
      `[${itemShape.join(', ')}]${net === 'mlp' ? ', so use conv, gabor or vgg.' : ', so use mlp (gcn and wgcn have it as their default).'}`,
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
  ({ potential: { net, channels } }) =>
    (net === 'conv' || net === 'grid' || net === 'mlp') &&
    channels.length === 0 &&
    `--potential.channels is empty; ${net} needs a list of whole numbers such as 16,32,64.`,
  ({ langevin: { clip } }) =>
    clip !== null &&
    clip[0] >= clip[1] &&
    `--langevin.clip is ${clip.join(',')}; its first number must be below its second.`,
  ({ grids, chains }) =>
    grids.sizes.length > 0 &&
    chains.kind !== 'persistent' &&
    `--chains.kind is ${chains.kind}; with grids it must be persistent, since their particles start anew at every iteration.`,
  ({ grids }, { itemShape }) => problemOf(() => gridShapes(itemShape, grids.sizes), grids.sizes.length > 0),
  ({ chains }) =>
    chains.kind === 'buffer' &&
    chains.bufferSize < chains.particles &&
    `--chains.buffer-size is ${chains.bufferSize}, less than the ${chains.particles} particles of an iteration; ` +
      `it must be at least --chains.particles.`,
];

/** Defaults that depend on other settings: batches no larger than the data, a particle per item, a cosine as long as the run. */
function followSettings(settings: Settings, data: DataFacts): Settings {
  const model = (settings['model'] ?? RUN_DEFAULTS.model) as RunConfig['model'];
  const defaults = MODELS[model].defaults(data.itemShape);
  const batchSize = settings['batchSize'] as number | undefined;
  const iterations = (settings['iterations'] ?? RUN_DEFAULTS.iterations) as number;
  return {
    ...RUN_DEFAULTS,
    ...defaults,
    batchSize: Math.min(defaults.chains.particles, data.size),
    chains: { ...defaults.chains, particles: batchSize ?? defaults.chains.particles },
    optimizer: { ...defaults.optimizer, decayIterations: iterations },
  };
}

/**
 * The full configuration: the model's defaults for this data, with the settings on top.
 *
 * @param settings must name `data`.
 * @param data as it is after `limit`.
 * @throws UserError when options contradict each other or the data.
 */
export function resolveConfig(settings: Settings, data: DataFacts): RunConfig {
  const config = check(CONFIG, mergeSettings(followSettings(settings, data), settings), { kind: 'flag' });
  for (const rule of RULES) {
    const broken = rule(config, data);
    if (broken !== false) throw new UserError(broken);
  }
  return config;
}

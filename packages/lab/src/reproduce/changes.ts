import { type ModelName, familyOf } from 'brownian';
import { FIELDS } from '../config/fields.ts';
import { type Settings, settingsFromFlags } from '../config/settings.ts';
import { UserError } from '../errors.ts';
import type { ExperimentOption, Scale, Setting } from './experiment.ts';
import { textOf } from './options.ts';

/** An option of an experiment: options of models that differ from their defaults. */
export const CHANGED: ExperimentOption = {
  kind: 'text',
  meaning:
    'options of brownian train that differ from the defaults, with blanks between, such as "images.flip=true potential.net=wide-resnet"',
  standard: null,
};

/** Options of a run that decide what a model is and learns; an experiment sees to the others itself. */
function isChangeable(path: string): boolean {
  return path.includes('.') || path === 'batchSize';
}

/**
 * An option of models as experiments write it, `path.data-std=0.1`, as text by its path.
 *
 * @param flag names the option of the experiment, in messages
 * @throws UserError unless it is an option of each of the models
 */
export function parseChange(flag: string, text: string, models: readonly ModelName[]): Record<string, string> {
  const [name = '', ...rest] = text.split('=');
  const path = name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const field = FIELDS.find((known) => known.path === path && isChangeable(path));
  const stranger = models.find((model) => field?.families.includes(familyOf(model)) !== true);
  if (stranger === undefined && rest.length > 0) return { [path]: rest.join('=') };
  throw new UserError(
    `--${flag} has ${JSON.stringify(text)}; it takes options of ${stranger ?? models.join(' and ')} with values, such as optimizer.learning-rate=0.001.`,
    { exitCode: 2 },
  );
}

/**
 * The settings that a text such as `images.flip=true potential.net=wide-resnet` stands for, on top of which a run has its defaults.
 *
 * @param text of the option `settings`, or of a cell; null and undefined change nothing
 * @throws UserError unless all are options of each of the models, given once
 */
export function changedSettings(text: Setting | null | undefined, models: readonly ModelName[]): Settings {
  const flags: Record<string, string> = {};
  for (const piece of piecesOf(text)) {
    const [[path, value] = ['', '']] = Object.entries(parseChange('settings', piece, models));
    if (Object.hasOwn(flags, path)) throw new UserError(`--settings has ${path} twice; give it once.`, { exitCode: 2 });
    flags[path] = value;
  }
  return settingsFromFlags(flags);
}

/**
 * Options that change together, as a list of changes writes them: `path.data-std=0.01+path.epsilon=0.00001`, or `none`.
 *
 * @throws UserError as {@link parseChange} does
 */
export function parseChanges(flag: string, text: string, models: readonly ModelName[]): Record<string, string> {
  if (text === 'none') return {};
  // Of numbers such as 1e+5 the sign is no end: names begin with a letter.
  const parts = text.split(/\+(?=[a-z])/).map((part) => parseChange(flag, part, models));
  return Object.assign({}, ...parts) as Record<string, string>;
}

/** What changes do to the training: the options that are not of the group `sampling`, in one order, as text. Equal texts are one training. */
export function trainingOf(changes: Readonly<Record<string, string>>): string {
  const parts = Object.entries(changes).filter(([path]) => !path.startsWith('sampling.'));
  return parts.length === 0
    ? 'none'
    : parts
        .map(([path, value]) => `${path}=${value}`)
        .toSorted()
        .join('+');
}

function piecesOf(text: Setting | null | undefined): string[] {
  return String(text ?? '')
    .split(/\s+/)
    .filter((piece) => piece !== '');
}

/** What cells keep of the option `settings`: nothing where it was not given, so that their names stay what they were. */
export function keptSettings(scale: Scale): Readonly<Record<string, Setting>> {
  const pieces = piecesOf(textOf(scale, 'settings'));
  return pieces.length === 0 ? {} : { settings: pieces.join(' ') };
}

/** Words on the settings of an experiment for its report. */
export function settingsText(scale: Scale): string {
  const { settings } = keptSettings(scale);
  return settings === undefined ? 'default settings' : `default settings but for ${settings}`;
}

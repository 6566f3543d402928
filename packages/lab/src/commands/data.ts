import { readdir } from 'node:fs/promises';
import { extname } from 'node:path';
import { TOY_DISTRIBUTIONS, type Dataset } from 'brownian';
import { RUN_DEFAULTS } from '../config/schema.ts';
import { dataOptions, settingsFromFlags } from '../config/settings.ts';
import { nearest } from '../config/suggest.ts';
import { fetchFile } from '../data/fetch.ts';
import { HOMES, type HomeName, homeFolder } from '../data/homes.ts';
import { type Statistics, fileShapes, measure } from '../data/inspect.ts';
import { openData, openImages } from '../data/open.ts';
import type { Split } from '../data/source.ts';
import { UserError } from '../errors.ts';
import { pictureFor } from '../images/picture.ts';
import { makeFolderOf, writeAtomically } from '../runs/atomic.ts';
import type { Context, ExitCode } from './context.ts';

/** What `brownian data inspect` was given. */
export interface InspectRequest {
  readonly data: string;
  readonly split: string | undefined;
  readonly out: string | undefined;
  readonly flags: Readonly<Record<string, string | undefined>>;
}

/** Side that images of several sizes are scaled to when no other is given, so that there is something to see. */
const SIZE_TO_LOOK_AT = 64;
const MOST_LINES = 12;

function readSplit(text: string | undefined): Split {
  if (text === undefined || text === 'train' || text === 'test') return text ?? 'train';
  throw new UserError(`--split is ${JSON.stringify(text)}; it must be train or test.`);
}

function shorten(lines: readonly string[]): readonly string[] {
  if (lines.length <= MOST_LINES) return lines;
  return [...lines.slice(0, MOST_LINES), `  … and ${lines.length - MOST_LINES} more`];
}

function describe(data: Dataset, { channels, classCounts }: Statistics): string[] {
  // Labels without names are called by their numbers, which say little by themselves.
  const nameOf = (i: number): string => (data.classes?.[i] ?? String(i)).replace(/^(?=\d+$)/, 'class ');
  const classes = classCounts?.map((count, i) => `  ${nameOf(i).padEnd(20)} ${count}`);
  const names =
    data.itemShape.length === 1 ? ['x', 'y'] : data.itemShape[0] === 3 ? ['red', 'green', 'blue'] : ['grey'];
  const number = (value: number): string => value.toFixed(4).padStart(9);
  return [
    `${data.name}: ${data.size} items of shape [${data.itemShape.join(', ')}]`,
    classes === undefined ? 'No labels' : `${classes.length} classes`,
    ...shorten(classes ?? []),
    `Values as models see them ${data.itemShape.length === 1 ? '' : '(black is -1, white is 1)'}`.trimEnd(),
    `  ${''.padEnd(8)}${['min', 'max', 'mean', 'std'].map((title) => title.padStart(9)).join('')}`,
    ...channels.map(
      ({ min, max, mean, std }, i) =>
        `  ${(names[i] ?? `${i}`).padEnd(8)}${[min, max, mean, std].map(number).join('')}`,
    ),
  ];
}

/** `brownian data inspect`: what a data set holds, in numbers and as a contact sheet. @throws UserError, DataError */
export async function inspectCommand(context: Context, request: InspectRequest): Promise<ExitCode> {
  const split = readSplit(request.split);
  // Before the work, and before a file of another kind is replaced by a picture.
  if (request.out !== undefined && extname(request.out).toLowerCase() !== '.png')
    throw new UserError(`--out is ${JSON.stringify(request.out)}; its name must end in .png.`);
  const settings = settingsFromFlags(request.flags);
  const options = { ...dataOptions(settings), split };
  let { images } = options;
  if (!Object.hasOwn(TOY_DISTRIBUTIONS, request.data)) {
    const shapes = await fileShapes(await openImages(request.data, options));
    const sizes = new Set([...shapes.keys()].map((shape) => shape.split(' ')[1]));
    if (shapes.size > 0) {
      context.print('Files');
      const lines = [...shapes]
        .toSorted(([, a], [, b]) => b - a)
        .map(([shape, count]) => `  ${shape.padEnd(24)} ${count}`);
      for (const line of shorten(lines)) context.print(line);
    }
    if (sizes.size > 1 && images.size === null && images.crop === null) {
      images = { ...images, size: SIZE_TO_LOOK_AT };
      context.print(
        `The files differ in size; to look at them they are scaled to ${SIZE_TO_LOOK_AT}×${SIZE_TO_LOOK_AT}. Choose a size with --images.size.`,
      );
    }
  } else if (JSON.stringify(images) !== JSON.stringify(RUN_DEFAULTS.images)) {
    throw new UserError(`${request.data} is points on the plane, which have no options of images.`);
  }
  const data = await openData(request.data, { ...options, images });
  const statistics = await measure(data, context.task());
  for (const line of describe(data, statistics)) context.print(line);
  const out = request.out ?? `${data.name.replaceAll(/[^\w.-]+/g, '-')}-${split}.png`;
  await makeFolderOf(out);
  await writeAtomically(out, [await pictureFor(data).data()]);
  context.print(`Contact sheet: ${out}`);
  return 0;
}

function listHomes(context: Context): void {
  context.print('Data sets that can be fetched:');
  for (const [name, { title, terms }] of Object.entries(HOMES))
    context.print(`  ${name.padEnd(14)} ${title} (${terms})`);
}

/** `brownian data fetch`: gets a public data set into the cache. @throws UserError when it cannot be had */
export async function fetchCommand(context: Context, name: string | undefined): Promise<ExitCode> {
  if (name === undefined) {
    listHomes(context);
    return 0;
  }
  if (!Object.hasOwn(HOMES, name)) {
    const names = Object.keys(HOMES);
    const guess = nearest(name, names);
    throw new UserError(
      `There is no data set "${name}" to fetch; ${guess === undefined ? `there are ${names.join(', ')}.` : `did you mean "${guess}"?`}`,
    );
  }
  const home = name as HomeName;
  const folder = homeFolder(home);
  context.print(`${HOMES[home].title}. Terms: ${HOMES[home].terms}.`);
  for (const file of HOMES[home].files) {
    const fresh = await fetchFile(folder, file, context.task());
    context.print(`${file.name}: ${fresh ? 'fetched, its checksum is right' : 'is there already'}`);
  }
  context.print(`${(await readdir(folder)).length} files in ${folder}; train with: brownian train ${name}`);
  return 0;
}

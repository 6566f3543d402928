import { DataError } from 'brownian';
import { dsvFormat } from 'd3-dsv';

/** Labels of some files, by name or in order. */
export interface FileLabels {
  readonly labels: readonly number[];
  readonly classes: readonly string[];
}

/** Names of files that are taken for labels when they lie beside the images. */
export const LABEL_FILES: readonly string[] = ['labels.csv', 'labels.tsv', 'labels.txt', 'val_annotations.txt'];

function rowsOf(text: string, source: string): string[][] {
  const [first = ''] = text.split('\n', 1);
  const delimiter = ['\t', ','].find((mark) => first.indexOf(mark) >= 0) ?? ' ';
  try {
    const rows = dsvFormat(delimiter).parseRows(text.replace(/^\ufeff/, ''));
    return rows
      .map((row) => row.map((cell) => cell.trim()).filter((cell, i) => i === 0 || cell !== ''))
      .filter((row) => row[0] !== '');
  } catch (error) {
    throw new DataError(
      `${source}: not a table of labels (${error instanceof Error ? error.message : String(error)}).`,
    );
  }
}

/** The last part of a path. */
function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Class numbers in the order of names; names that are all whole numbers keep their values. */
function number(names: readonly string[], known: readonly string[] | undefined, source: string): FileLabels {
  const distinct = [...new Set(names)];
  const whole = distinct.every((name) => /^\d{1,9}$/.test(name));
  const largest = whole ? distinct.reduce((most, name) => Math.max(most, Number(name)), 0) : 0;
  // Numbers far beyond the number of items are names, not positions.
  const numeric = whole && largest < 10 * names.length + 1000;
  const classes =
    known ??
    (numeric
      ? Array.from({ length: largest + 1 }, (_, i) => String(i))
      : distinct.toSorted((a, b) => (a < b ? -1 : 1)));
  const numbers = new Map(classes.map((name, i) => [name, i]));
  const labels = names.map((name, i) => {
    const value = numbers.get(name);
    if (value === undefined)
      throw new DataError(
        `${source}: label ${i} is "${name.slice(0, 60)}", which is not a class of the training part.`,
      );
    return value;
  });
  return { labels, classes };
}

/**
 * Reads a file of labels: rows of a file's name and its class (separated by a comma, tab or space; more columns are left
 * alone), or one class per row in the order of the files. A first row that names no file is taken for a header.
 *
 * @param paths the image files, in order
 * @param known names of the classes, when another part has set them
 * @throws DataError when a file has no label, or a row cannot be understood
 */
export function parseLabels(
  text: string,
  paths: readonly string[],
  source: string,
  known?: readonly string[],
): FileLabels {
  const rows = rowsOf(text, source);
  if (rows.every((row) => row.length === 1)) {
    const skip = rows.length === paths.length + 1 ? 1 : 0;
    if (rows.length - skip !== paths.length) {
      throw new DataError(
        `${source}: there are ${rows.length} rows of labels and ${paths.length} images, expected one for each.`,
      );
    }
    return number(
      rows.slice(skip).map((row) => row[0] as string),
      known,
      source,
    );
  }
  const given = new Map<string, string>();
  rows.forEach((row, i) => {
    if (row.length < 2)
      throw new DataError(`${source}: row ${i + 1} has one column, expected a file's name and its class.`);
    const [name, label] = row as [string, string];
    given.set(name, label).set(fileName(name), label);
  });
  const names = paths.map((path) => {
    const label = given.get(path) ?? given.get(fileName(path));
    if (label === undefined) throw new DataError(`${source}: there is no label for the image ${path}.`);
    return label;
  });
  return number(names, known, source);
}

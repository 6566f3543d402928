import { type FileMetaData, parquetSchema } from 'hyparquet';
import { DataError } from 'brownian';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import { type Block, createSpool } from './block.ts';
import { type ParquetRow, readParquetMetadata, readParquetRows } from './parquet-thread.ts';
import type { EncodedSource, ReadRequest } from './source.ts';
import type { FileTree, TreeFile } from './tree.ts';

const NAME = /\.parquet$/i;

/** Whether a folder or archive, or a file by itself, holds Parquet files, by their names. */
export function hasParquetFiles(tree: FileTree): boolean {
  return tree.files.some(({ path }) => NAME.test(path));
}

/** Whether a block begins as a Parquet file does. */
export async function isParquet(block: Block): Promise<boolean> {
  return block.size >= 12 && Buffer.from(await block.read(0, 4)).toString('latin1') === 'PAR1';
}

const LABEL_COLUMNS: readonly string[] = ['label', 'labels', 'fine_label', 'class', 'target'];

/** The columns that hold images and labels. */
interface Columns {
  readonly image: string;
  readonly label: string | undefined;
  readonly classes: readonly string[] | undefined;
}

/** The part of the note that data-set hubs leave in the metadata which says what the classes are called. */
const HUB_NOTE = z.object({
  info: z.object({ features: z.record(z.string(), z.object({ names: z.array(z.string()).optional() }).loose()) }),
});

function hubClasses(metadata: FileMetaData, column: string): readonly string[] | undefined {
  const note = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value;
  if (note === undefined) return undefined;
  try {
    const parsed = HUB_NOTE.safeParse(JSON.parse(note));
    return parsed.success ? parsed.data.info.features[column]?.names : undefined;
  } catch {
    // Only names are lost: the numbers of the classes are in the column.
    return undefined;
  }
}

/** Finds the columns: an image is a struct of bytes and path, or plain bytes in a column called image. */
function findColumns(metadata: FileMetaData, source: string): Columns {
  const top = parquetSchema(metadata).children.map(({ element, children }) => ({
    name: element.name,
    type: element.type,
    children: children.map((child) => child.element.name),
  }));
  const isImage = ({ name, children, type }: (typeof top)[number]): boolean =>
    children.includes('bytes') || (type === 'BYTE_ARRAY' && /^(image|img|jpg|png)$/.test(name));
  const image = top.find(isImage);
  if (image === undefined) {
    const names = top.map(({ name }) => name).join(', ');
    throw new DataError(
      `${source}: none of the columns ${names.slice(0, 200)} holds images (a struct of bytes and path).`,
    );
  }
  const label = LABEL_COLUMNS.find((name) =>
    top.some((column) => column.name === name && column.type?.startsWith('INT')),
  );
  return {
    image: image.name,
    label,
    classes: label === undefined ? undefined : hubClasses(metadata, label),
  };
}

type ColumnChunk = FileMetaData['row_groups'][number]['columns'][number];

/** Whether a column's place is in the schema. */
function isInSchema(path: readonly string[], schema: ReturnType<typeof parquetSchema>): boolean {
  let node: ReturnType<typeof parquetSchema> | undefined = schema;
  for (const name of path) node = node?.children.find(({ element }) => element.name === name);
  return node !== undefined && node !== schema && node.children.length === 0;
}

/** What is wrong with where a column's bytes are said to be, or undefined. */
function columnProblem(
  { meta_data: column, file_path: elsewhere }: ColumnChunk,
  schema: ReturnType<typeof parquetSchema>,
  size: number,
): string | undefined {
  if (column === undefined || elsewhere !== undefined) return 'the metadata has a column without a place in the file';
  const { path_in_schema: path, dictionary_page_offset: dictionary, data_page_offset: data } = column;
  if (!Array.isArray(path) || !isInSchema(path, schema)) return 'the metadata has a column that is not in its schema';
  const [from, packed, unpacked] = [
    dictionary || data,
    column.total_compressed_size,
    column.total_uncompressed_size,
  ].map(Number) as [number, number, number];
  const inside = Number.isSafeInteger(from) && from >= 0 && packed >= 0 && from + packed <= size;
  // Run-length encoding packs many equal values into few bytes, so this bounds what is absurd, not what is rare.
  if (inside && unpacked >= 0 && unpacked <= packed * 1024 + 4096) return undefined;
  return `a column claims ${packed} bytes from byte ${from} that unpack to ${unpacked}`;
}

/**
 * Refuses what cannot be true of a file of this size, before anything is made of it. The library reads columns side by side:
 * one that it cannot place would leave the failures of the others unseen.
 */
function checkMetadata(metadata: FileMetaData, block: Block): void {
  const rows = Number(metadata.num_rows);
  const groups = metadata.row_groups.map((group) => Number(group.num_rows));
  const sum = groups.reduce((a, b) => a + b, 0);
  const whole = groups.every((count) => Number.isSafeInteger(count) && count >= 0);
  if (!whole || sum !== rows || rows > block.size) {
    const claim = `the metadata claims ${rows} rows in groups of ${groups.slice(0, 5).join(', ')}`;
    throw new DataError(`${block.name}: ${claim}; the file has ${block.size} bytes.`);
  }
  const schema = parquetSchema(metadata);
  for (const { columns } of metadata.row_groups) {
    for (const column of columns) {
      const problem = columnProblem(column, schema, block.size);
      if (problem !== undefined) throw new DataError(`${block.name}: ${problem}; the file has ${block.size} bytes.`);
    }
  }
}

/** Reads the rows of one file, a row group at a time: pages of a group are packed together, so it is read whole or not at all. */
async function* rowsOf(
  block: Block,
  columns: Columns,
  metadata: FileMetaData,
  patience: number,
): AsyncGenerator<[row: ParquetRow, index: number]> {
  const names = [columns.image, ...(columns.label === undefined ? [] : [columns.label])];
  let from = 0;
  for (const group of metadata.row_groups) {
    const to = from + Number(group.num_rows);
    const rows = await readParquetRows(block, { columns: names, from, to }, patience);
    if (rows.length !== to - from)
      throw new DataError(`${block.name}: rows ${from} to ${to} are ${rows.length} in number.`);
    for (const [i, row] of rows.entries()) yield [row, from + i];
    from = to;
  }
}

/** Which files belong to a part, by words in their paths, as hubs name them: train-00000-of-00002.parquet. */
function filesOf(tree: FileTree, split: ReadRequest['split']): TreeFile[] {
  const files = tree.files.filter(({ path }) => NAME.test(path) || tree.files.length === 1);
  const word = (pattern: RegExp): TreeFile[] => files.filter(({ path }) => pattern.test(path.toLowerCase()));
  const heldOut = word(/(^|[^a-z])(test|val|valid|validation)([^a-z]|$)/);
  if (split === 'train') return files.filter((file) => heldOut.length === files.length || !heldOut.includes(file));
  const test = word(/(^|[^a-z])test([^a-z]|$)/);
  return heldOut.length === files.length ? [] : test.length > 0 ? test : heldOut;
}

/**
 * Parquet files with a column of images, as data-set hubs serve them. The images, still encoded, are unpacked once: into
 * memory, or into a temporary file when they are more than half of the memory.
 *
 * @returns null when the part asked for is not there
 */
export async function readParquetTree(tree: FileTree, request: ReadRequest): Promise<EncodedSource | null> {
  if (request.labels !== null)
    throw new UserError(`${tree.path} holds Parquet files, whose labels are a column; leave out --images.labels.`);
  const files = filesOf(tree, request.split).toSorted((a, b) => (a.path < b.path ? -1 : 1));
  if (files.length === 0) return null;
  const spool = createSpool(tree.path, request.memory / 2);
  const places: { readonly where: string; readonly at: number; readonly length: number }[] = [];
  const labels: number[] = [];
  let classes: readonly string[] | undefined;
  for (const file of files) {
    const block = await file.block();
    const metadata = await readParquetMetadata(block, request.patience);
    checkMetadata(metadata, block);
    const columns = findColumns(metadata, block.name);
    classes ??= columns.classes;
    for await (const [{ bytes, label }, index] of rowsOf(block, columns, metadata, request.patience)) {
      const where = `${block.name}: row ${index}`;
      if (bytes === undefined) throw new DataError(`${where} has no bytes in the column "${columns.image}".`);
      places.push({ where, at: await spool.append(bytes), length: bytes.length });
      if (columns.label !== undefined) labels.push(label);
    }
  }
  if (places.length === 0) throw new DataError(`${tree.path}: there are no rows.`);
  const store = await spool.finish();
  const place = (i: number): (typeof places)[number] => places[i] as (typeof places)[number];
  return {
    kind: 'items',
    name: request.name,
    size: places.length,
    pixels: null,
    grouped: true,
    ...(labels.length === places.length ? { labels } : {}),
    ...(classes === undefined ? {} : { classes }),
    where: (i) => place(i).where,
    read: (i) => store.read(place(i).at, place(i).length),
  };
}

import { type FileMetaData, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { DataError } from 'brownian';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import { type Block, createSpool } from './block.ts';
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

/** Wraps what the library throws; its messages begin in lower case and have no place. */
async function guarded<T>(source: string, place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DataError || error instanceof UserError) throw error;
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new DataError(`${source}: ${place} cannot be read as Parquet (${reason}).`, { cause: error });
  }
}

function bufferOf(block: Block): { byteLength: number; slice(from: number, end?: number): Promise<ArrayBuffer> } {
  return {
    byteLength: block.size,
    async slice(from, end = block.size) {
      return new Uint8Array(await block.read(from, end - from)).buffer;
    },
  };
}

/** A value of a parsed row, which may be anything. */
function bytesIn(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  return typeof value === 'object' && value !== null && 'bytes' in value ? bytesIn(value.bytes) : undefined;
}

/** Refuses counts that the file is too small for, before anything is made of them. */
function checkCounts(metadata: FileMetaData, block: Block): void {
  const rows = Number(metadata.num_rows);
  const groups = metadata.row_groups.map((group) => Number(group.num_rows));
  const sum = groups.reduce((a, b) => a + b, 0);
  const plausible =
    groups.every((count) => Number.isSafeInteger(count) && count >= 0) && sum === rows && rows <= block.size;
  if (!plausible)
    throw new DataError(
      `${block.name}: the metadata claims ${rows} rows in groups of ${groups.slice(0, 5).join(', ')}; the file has ${block.size} bytes.`,
    );
  for (const { columns } of metadata.row_groups) {
    for (const { meta_data: column } of columns) {
      const unpacked = Number(column?.total_uncompressed_size ?? 0);
      const packed = Number(column?.total_compressed_size ?? 0);
      if (unpacked < 0 || packed < 0 || packed > block.size || unpacked > Math.max(packed, 1) * 1024)
        throw new DataError(
          `${block.name}: a column claims ${packed} bytes that unpack to ${unpacked}; the file has ${block.size}.`,
        );
    }
  }
}

type Row = Readonly<Record<string, unknown>>;

/** Reads the rows of one file, a row group at a time: pages of a group are packed together, so it is read whole or not at all. */
async function* rowsOf(
  block: Block,
  columns: Columns,
  metadata: FileMetaData,
): AsyncGenerator<[row: Row, index: number]> {
  const names = [columns.image, ...(columns.label === undefined ? [] : [columns.label])];
  let from = 0;
  for (const group of metadata.row_groups) {
    const to = from + Number(group.num_rows);
    const options = { file: bufferOf(block), metadata, columns: names, rowStart: from, rowEnd: to, utf8: false };
    const rows: Row[] = await guarded(block.name, `rows ${from} to ${to}`, () => parquetReadObjects(options));
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
    const metadata = await guarded(block.name, 'its metadata', () => parquetMetadataAsync(bufferOf(block)));
    const columns = await guarded(block.name, 'its metadata', () => {
      checkCounts(metadata, block);
      return Promise.resolve(findColumns(metadata, block.name));
    });
    classes ??= columns.classes;
    for await (const [row, index] of rowsOf(block, columns, metadata)) {
      const where = `${block.name}: row ${index}`;
      const bytes = bytesIn(row[columns.image]);
      if (bytes === undefined) throw new DataError(`${where} has no bytes in the column "${columns.image}".`);
      places.push({ where, at: await spool.append(bytes), length: bytes.length });
      if (columns.label !== undefined) labels.push(Number(row[columns.label]));
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

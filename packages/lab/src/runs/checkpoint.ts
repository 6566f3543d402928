import { crc32 } from 'node:zlib';
import { type NDArray, type Tree, type TreeShape, flatten, formatShape, unflatten } from '@brownian/graph';
import type { StreamState } from '@brownian/runtime';
import { z } from 'zod';
import { UserError, systemCode } from '../errors.ts';
import type { Watch } from '../divergence.ts';
import { readTensors, writeTensors } from './safetensors.ts';

/** Where a run stands between two iterations: with the configuration, all that its next iteration depends on. */
export interface Checkpoint {
  /** Iterations done; the order of the data is a function of this number. */
  readonly iteration: number;
  /** The learner's state. */
  readonly state: Tree<NDArray>;
  /** Position of the stream the next iteration draws from. */
  readonly stream: StreamState;
  /** Seconds spent so far, over all resumes. */
  readonly seconds: TimeSpent;
  /** What the watch for divergence knows; see `observe`. */
  readonly watch: Watch;
  /** How often the run was rolled back before this moment. */
  readonly rollbacks: number;
  /** Hash of the options that decide what is computed; see `configHash`. */
  readonly configHash: string;
}

/** Seconds by what they were spent on. */
export interface TimeSpent {
  /** In the learner's steps. */
  readonly training: number;
  /** From start to end, with everything around the steps. */
  readonly total: number;
}

const FORMAT = 'brownian-checkpoint-2';
/** The name of a state that is a single array. */
const ROOT = '(state)';

const TREE: z.ZodType<TreeShape> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('leaf') }),
    z.strictObject({ kind: z.literal('list'), items: z.array(TREE) }),
    z
      .strictObject({ kind: z.literal('record'), keys: z.array(z.string()), items: z.array(TREE) })
      .refine(({ keys, items }) => keys.length === items.length),
  ]),
);

const word = (): z.ZodInt => z.int().min(0).max(0xffff_ffff);

const HEADER = z.object({
  iteration: z.int().min(0),
  stream: z.object({ key: z.tuple([word(), word()]), count: z.int().min(0) }),
  seconds: z.object({ training: z.number().min(0), total: z.number().min(0) }),
  watch: z.record(z.string(), z.number()),
  rollbacks: z.int().min(0),
  configHash: z.string(),
  structure: TREE,
});

/** The paths of a structure's leaves, as `flatten` names them. */
function pathsOf(structure: TreeShape, prefix = ''): string[] {
  if (structure.kind === 'leaf') return [prefix === '' ? ROOT : prefix];
  return structure.items.flatMap((item, i) => {
    const key = structure.kind === 'list' ? String(i) : structure.keys[i];
    return pathsOf(item, prefix === '' ? String(key) : `${prefix}.${String(key)}`);
  });
}

/** CRC-32 of the metadata and of the arrays they describe, in the order of the structure, with their shapes. */
function checksum(metadata: string, leaves: readonly NDArray[]): string {
  const sum = leaves.reduce((before, { shape, data }) => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return crc32(bytes, crc32(formatShape(shape), before));
  }, crc32(metadata));
  return sum.toString(16).padStart(8, '0');
}

/**
 * Writes a checkpoint as a safetensors file: one array per leaf of the state, named by its dotted path, and the rest as metadata.
 *
 * @throws UserError when it cannot be written; TypeError when two leaves have one dotted path.
 */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const { state, ...rest } = checkpoint;
  const { leaves, structure } = flatten<NDArray>(state);
  const paths = pathsOf(structure);
  const tensors = new Map(paths.map((name, i) => [name, leaves[i] as NDArray]));
  if (tensors.size !== leaves.length)
    throw new TypeError('Two leaves of the state have the same dotted path; rename a key that has a dot.');
  const checkpointText = JSON.stringify({ ...rest, structure });
  const metadata = { format: FORMAT, checkpoint: checkpointText, crc32: checksum(checkpointText, leaves) };
  await writeTensors(path, { tensors, metadata });
}

function header(path: string, text: string | undefined): z.infer<typeof HEADER> {
  let raw: unknown;
  try {
    raw = JSON.parse(text ?? '');
  } catch {
    throw new UserError(`${path} is a corrupt checkpoint: its metadata is not JSON.`);
  }
  const parsed = HEADER.safeParse(raw);
  if (parsed.success) return parsed.data;
  const place = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new UserError(
    `${path} is a corrupt checkpoint: its metadata has no valid "${place === '' ? 'checkpoint' : place}".`,
  );
}

/**
 * Reads a checkpoint; the structure of the state is in the file.
 *
 * @throws UserError that says what is missing or wrong, for anything but a whole checkpoint.
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const { tensors, metadata } = await readTensors(path);
  if (metadata['format'] !== FORMAT) {
    throw new UserError(
      `${path} is no Brownian checkpoint: its format is ${metadata['format'] ?? 'not stated'}, expected ${FORMAT}.`,
    );
  }
  const { structure, ...rest } = header(path, metadata['checkpoint']);
  const paths = pathsOf(structure);
  const leaves = paths.map((name) => {
    const leaf = tensors.get(name);
    if (leaf === undefined) throw new UserError(`${path} is a corrupt checkpoint: the array "${name}" is missing.`);
    return leaf;
  });
  if (leaves.length !== tensors.size)
    throw new UserError(`${path} is a corrupt checkpoint: it holds arrays that its structure does not name.`);
  if (metadata['crc32'] !== checksum(metadata['checkpoint'] ?? '', leaves))
    throw new UserError(`${path} is a corrupt checkpoint: its bytes are not those that were written.`);
  return { ...rest, state: unflatten<Tree<NDArray>>(structure, leaves) };
}

/** Whether reading a checkpoint failed because of what is in the file, rather than because it could not be read. */
export function isDamage(error: unknown): error is Error {
  return error instanceof Error && systemCode(error) === undefined && systemCode(error.cause) === undefined;
}

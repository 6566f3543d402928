import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { NDArray } from '@brownian/graph';
import {
  DataError,
  HEADER_LENGTH_BYTES,
  type TensorEntry,
  type TensorFile,
  headerLength,
  parseHeader,
  readTensor,
} from 'brownian';
import { cacheFolder } from '../cache.ts';
import { UserError } from '../errors.ts';
import { readTensors, writeTensors } from '../runs/safetensors.ts';
import { type RemoteFile, remoteFile } from './byte-ranges.ts';

/** What to fetch. */
export interface TensorRequest {
  /** Address of a safetensors file. */
  readonly url: string;
  /** Chooses among the names in the file; what is not chosen is not transferred. */
  readonly choose: (names: readonly string[]) => readonly string[];
  /** Names the choice in the cache: another choice from the same file has another name. */
  readonly as: string;
  /** Milliseconds without a byte after which a transfer is given up. Default 30 s. */
  readonly stalledAfter?: number;
}

/** Neighbours in the file, to be read by one request. */
function runsOf(entries: readonly TensorEntry[]): TensorEntry[][] {
  const runs: TensorEntry[][] = [];
  for (const entry of entries.toSorted((a, b) => a.from - b.from)) {
    const run = runs.at(-1);
    if (run?.at(-1)?.to === entry.from) run.push(entry);
    else runs.push([entry]);
  }
  return runs;
}

async function readRun(
  file: RemoteFile,
  run: readonly TensorEntry[],
  start: number,
): Promise<(readonly [string, NDArray])[]> {
  const from = (run[0] as TensorEntry).from;
  const bytes = await file.read(start + from, start + (run.at(-1) as TensorEntry).to);
  return run.map(
    (entry) => [entry.name, readTensor(entry, bytes.subarray(entry.from - from, entry.to - from))] as const,
  );
}

/** Reads the header's length, the header, and the chosen arrays: nothing else. */
async function transfer({ url, choose, stalledAfter }: TensorRequest): Promise<TensorFile> {
  const file = remoteFile(url, stalledAfter);
  const first = await file.read(0, HEADER_LENGTH_BYTES);
  const start = HEADER_LENGTH_BYTES + headerLength(first, file.size(), url);
  const header = parseHeader(await file.read(HEADER_LENGTH_BYTES, start), file.size() - start, url);
  const names = new Set(choose(header.entries.map((entry) => entry.name)));
  const tensors: (readonly [string, NDArray])[] = [];
  for (const run of runsOf(header.entries.filter((entry) => names.has(entry.name))))
    tensors.push(...(await readRun(file, run, start)));
  return { tensors: new Map(tensors), metadata: { ...header.metadata, fetchedFrom: url } };
}

/**
 * Arrays of a safetensors file on a web server. They are kept in the cache folder (BROWNIAN_CACHE), so a later call reads them from
 * there and needs no network.
 *
 * @throws UserError in one sentence: the server cannot be reached, has no such file, ignores byte ranges, stops half-way, or the file
 * is damaged
 */
export async function fetchTensors(request: TensorRequest): Promise<TensorFile> {
  const folder = cacheFolder('weights');
  const hash = createHash('sha256').update(request.url).digest('hex').slice(0, 16);
  const path = join(folder, `${request.as}-${hash}.safetensors`);
  // Missing or damaged: it is a cache, so it is fetched again.
  const kept = await readTensors(path).catch(() => undefined);
  if (kept !== undefined) return kept;
  try {
    const fetched = await transfer(request);
    await mkdir(folder, { recursive: true });
    await writeTensors(path, fetched);
    return fetched;
  } catch (error) {
    if (error instanceof DataError) throw new UserError(error.message, { cause: error });
    throw error;
  }
}

import { readFile } from 'node:fs/promises';
import { type NDArray, OnnxError, flatten, placeholder } from '@brownian/graph';
import { nodeRuntime } from '@brownian/runtime/node';
import {
  BUILT_IN_NETS,
  DataError,
  type Dataset,
  type Layer,
  type TensorFile,
  classifierFilters,
  encodeTensors,
  isVgg,
  onnxFilters,
  readVgg,
  vggFilters,
  vggTensorNames,
} from 'brownian';
import { type RunConfig, inFamily } from '../config/run-config.ts';
import { nearest } from '../config/suggest.ts';
import { openData } from '../data/open.ts';
import { UserError, fileProblem } from '../errors.ts';
import { writeAtomically } from '../runs/atomic.ts';
import { runFiles } from '../runs/run.ts';
import { readTensors } from '../runs/safetensors.ts';
import { classifierFor, isClassified } from '../scoring/classifier.ts';
import { fetchTensors } from './fetch-tensors.ts';

/** torchvision's weights of VGG-16 (BSD 3-clause) as the `timm` project publishes them, at a fixed commit. */
const VGG_ADDRESS =
  'https://huggingface.co/timm/vgg16.tv_in1k/resolve/3394518cba29aee1ea82a49d971be90d2dd1dab7/model.safetensors';

/** Fixed filters from outside, and the bytes that a run keeps of them. */
export interface FilterFile {
  readonly layer: Layer;
  readonly format: Format;
  readonly bytes: Uint8Array;
}

type Format = '.safetensors' | '.onnx';

/** What `potential.net` names, taken apart: `vgg`, `classifier`, or a file or address with its format. */
interface Source {
  readonly kind: 'vgg' | 'classifier' | Format;
  readonly place: string;
  /** The value of an ONNX model that is the responses, after a `#`. */
  readonly value?: string;
}

/** @throws UserError for a name that stands for nothing */
function sourceOf(net: string): Source | undefined {
  if ((BUILT_IN_NETS as readonly string[]).includes(net)) return undefined;
  if (net === 'vgg' || net === 'classifier') return { kind: net, place: net };
  if (/\.safetensors$/i.test(net)) return { kind: '.safetensors', place: net };
  const [, model, value] = /^(.*?\.onnx)(?:#(.+))?$/i.exec(net) ?? [];
  if (model !== undefined) return { kind: '.onnx', place: model, ...(value === undefined ? {} : { value }) };
  const names = [...BUILT_IN_NETS, 'vgg', 'classifier'];
  const guess = nearest(net, names);
  const hint =
    guess === undefined ? `they are ${names.join(', ')}, or a .safetensors or .onnx file` : `did you mean "${guess}"?`;
  throw new UserError(`There are no filters called "${net}"; ${hint}${guess === undefined ? '.' : ''}`);
}

/** The list of parameters that arrays named `0.w`, `0.b`, … are of; layers without parameters have none. */
function paramsOf(tensors: ReadonlyMap<string, NDArray>): Record<string, NDArray>[] {
  const params: Record<string, NDArray>[] = [];
  for (const [name, array] of tensors) {
    const [, layer, key] = /^(\d+)\.(\w+)$/.exec(name) ?? [];
    if (layer === undefined || key === undefined) continue;
    while (params.length <= Number(layer)) params.push({});
    (params[Number(layer)] as Record<string, NDArray>)[key] = array;
  }
  return params;
}

/** @throws UserError when the arrays are neither those of VGG-16 nor of a classifier */
function layerOf({ tensors }: TensorFile, name: string): Layer {
  try {
    if (isVgg(tensors.keys())) return vggFilters(readVgg(tensors, name));
  } catch (error) {
    if (error instanceof DataError) throw new UserError(error.message, { cause: error });
    throw error;
  }
  if (['0.w', '0.b', '3.w', '3.b'].every((key) => tensors.has(key))) return classifierFilters(paramsOf(tensors));
  throw new UserError(
    `${name} has neither the weights of VGG-16 (conv1_1.weight or features.0.weight) nor of a classifier.`,
  );
}

function fileOf(file: TensorFile, name: string): FilterFile {
  return { layer: layerOf(file, name), format: '.safetensors', bytes: Buffer.concat(encodeTensors(file)) };
}

/** A file with the arrays of VGG-16 alone, if it has them. */
function trimmed(file: TensorFile, name: string): TensorFile {
  const names = [...file.tensors.keys()];
  if (!isVgg(names)) return file;
  const wanted = vggTensorNames(names, name).map((key) => [key, file.tensors.get(key) as NDArray] as const);
  return { ...file, tensors: new Map(wanted) };
}

/** @throws UserError when the bytes are no ONNX model, or none of images */
function onnxLayer(bytes: Uint8Array, { place, value }: Source): Layer {
  try {
    return onnxFilters(bytes, { file: place, ...(value === undefined ? {} : { output: value }) });
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new UserError(`Cannot read ${path}: ${fileProblem(error)}.`, { cause: error });
  }
}

async function readOnnx(source: Source): Promise<FilterFile> {
  const bytes = await readBytes(source.place);
  return { layer: onnxLayer(bytes, source), format: '.onnx', bytes };
}

async function fetchVgg(url: string): Promise<TensorFile> {
  try {
    return await fetchTensors({ url, as: 'vgg16', choose: (names) => vggTensorNames(names, url) });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const why = error.message.replace(/\.$/, '');
    throw new UserError(
      `The weights of VGG-16 cannot be fetched (${why}); give a file of them: --filters vgg16.safetensors.`,
      {
        cause: error,
      },
    );
  }
}

/** The convolutions of a classifier trained on the data; trained once and kept in the cache. */
async function classifierOf(config: RunConfig, data: Dataset, note: (text: string) => void): Promise<TensorFile> {
  if (!isClassified(data))
    throw new UserError(
      `--filters classifier needs data with labels of two classes or more, which "${data.name}" has not; use gabor or vgg.`,
    );
  const test = await openData(config.data, { limit: null, seed: config.seed, split: 'test' }).catch(() => data);
  const runtime = nodeRuntime(config.threads === null ? {} : { threads: config.threads });
  note('Filters: a classifier of the data is trained once and kept.');
  try {
    const { params, name } = await classifierFor(runtime, data, test);
    const { leaves, paths } = flatten<NDArray>((params as readonly unknown[]).slice(0, 5));
    return { tensors: new Map(paths.map((path, i) => [path, leaves[i] as NDArray])), metadata: { name } };
  } finally {
    await runtime.dispose();
  }
}

/** Filters are tried on one image, so that a mismatch is told before training and in one sentence. */
function requireFit({ layer }: FilterFile, net: string, itemShape: readonly number[]): void {
  try {
    layer(itemShape).apply([], placeholder('x', { dtype: 'float32', shape: [1, ...itemShape] }));
  } catch (error) {
    // It names the file and the node itself.
    if (error instanceof OnnxError) throw new UserError(error.message, { cause: error });
    const why = error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
    throw new UserError(`--filters ${net} does not take items of shape [${itemShape.join(', ')}]: ${why}.`, {
      cause: error,
    });
  }
}

/**
 * The fixed filters that `potential.net` stands for: read from a file, fetched, or trained on the data.
 *
 * @returns undefined for networks that come with the library, and for models that take no filters
 * @throws UserError in one sentence when there are none of that name, or they do not take these data
 */
export async function gatherFilters(
  config: RunConfig,
  data: Dataset,
  note: (text: string) => void,
): Promise<FilterFile | undefined> {
  if (!inFamily(config, 'descriptive')) return undefined;
  const { net } = config.potential;
  const source = sourceOf(net);
  if (source === undefined) return undefined;
  const { kind, place } = source;
  const read = async (): Promise<FilterFile> => {
    if (kind === 'classifier') return fileOf(await classifierOf(config, data, note), place);
    if (kind === 'vgg') return fileOf(await fetchVgg(VGG_ADDRESS), 'VGG-16');
    if (kind === '.onnx') return await readOnnx(source);
    if (/^https?:/.test(place)) return fileOf(await fetchVgg(place), place);
    return fileOf(trimmed(await readTensors(place), place), place);
  };
  const file = await read();
  requireFit(file, net, data.itemShape);
  return file;
}

/** Keeps filters in a run's folder, so that the run needs nothing else to be resumed or sampled from. */
export async function writeFilters(run: string, { format, bytes }: FilterFile): Promise<void> {
  await writeAtomically(runFiles(run).filters + format, [bytes]);
}

/** The filters kept in a run's folder; undefined for a run that has none. @throws UserError when they are gone or damaged */
export async function readFilters(run: string, config: RunConfig): Promise<Layer | undefined> {
  const source = inFamily(config, 'descriptive') ? sourceOf(config.potential.net) : undefined;
  if (source === undefined) return undefined;
  const path = runFiles(run).filters;
  if (source.kind === '.onnx') return (await readOnnx({ ...source, place: `${path}.onnx` })).layer;
  return layerOf(await readTensors(`${path}.safetensors`), `${path}.safetensors`);
}

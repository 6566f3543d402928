import { type Graph, topologicalOrder } from '../../graph.ts';
import { type Tensor, apply } from '../../tensor.ts';
import { sizeOf } from '../../types.ts';
import { convInBlocks, inputGradInBlocks } from './blocked.ts';
import { sizes } from './layout.ts';
import { convAsProduct, filterGradAsProduct, inputGradAsProduct } from './product.ts';

/** A primitive of the convolution family. */
export type ConvolutionPrimitive = 'conv2d' | 'conv2dInputGrad' | 'conv2dFilterGrad';

/** Chooses among the ways to compute a convolution, the best guess first. */
export type ConvolutionChooser = (node: Tensor, forms: readonly string[]) => string;

/** What a convolution can be computed by, besides itself. */
export interface ConvolutionTarget {
  /** Channels per block of the blocked operators; left out where there are none. */
  readonly blockSize?: number | undefined;
}

type Way = (node: Tensor<never>) => Tensor;

/** How to write each member of the family in each way. `direct` leaves it to the operators of the target. */
const WAYS: { readonly [P in ConvolutionPrimitive]: Readonly<Record<string, Way>> } = {
  conv2d: { direct: (node) => node, product: convAsProduct, blocked: convInBlocks },
  conv2dInputGrad: { direct: (node) => node, product: inputGradAsProduct, blocked: inputGradInBlocks },
  conv2dFilterGrad: { direct: (node) => node, product: filterGradAsProduct },
};

function isConvolution(node: Tensor): node is Tensor<ConvolutionPrimitive> {
  return Object.hasOwn(WAYS, node.primitive);
}

/** Sizes of the convolution that a member of the family belongs to. */
function geometry(node: Tensor<ConvolutionPrimitive>): {
  c: number;
  o: number;
  /** Outputs per channel, over all images. */
  positions: number;
  /** Outputs in a row. */
  row: number;
  /** Whether the stride is 1. */
  unit: boolean;
} {
  const [x, y] = node.inputs as readonly [Tensor, Tensor];
  const [n, , oh, ow] = sizes(node.primitive === 'conv2d' ? node : node.primitive === 'conv2dInputGrad' ? x : y);
  const [o, c] = sizes(node.primitive === 'conv2dFilterGrad' ? node : y);
  return { c, o, positions: n * oh * ow, row: ow, unit: node.attributes.stride.every((s) => s === 1) };
}

/** Whether the blocked operators take as many input channels: whole blocks, or less than one. */
function fillsBlocks(channels: number, blockSize: number): boolean {
  return channels < blockSize || channels % blockSize === 0;
}

/** Whether the blocked operators can compute it. */
function blockable(node: Tensor<ConvolutionPrimitive>, blockSize: number | undefined): boolean {
  if (blockSize === undefined || node.primitive === 'conv2dFilterGrad') return false;
  const { c, o, unit } = geometry(node);
  if (node.primitive === 'conv2d') return fillsBlocks(c, blockSize);
  if (!fillsBlocks(o, blockSize)) return false;
  if (!unit) return true;
  const { padding, dilation } = (node as Tensor<'conv2dInputGrad'>).attributes;
  const [, , kh, kw] = sizes(node.inputs[1] as Tensor);
  return padding.every((p, i) => p <= (dilation[i % 2] as number) * ((i % 2 === 0 ? kh : kw) - 1));
}

/** Fewer positions than this, over all images, and a convolution is as well left as it is. */
const FEWEST_POSITIONS = 256;
/** The blocked operators compute several pixels of a row at a time, and do poorly on rows that are shorter. */
const SHORT_ROW = 4;

/** Ways that apply, the best guess first, by what was measured on many shapes (docs/performance.md). */
function waysFor(node: Tensor<ConvolutionPrimitive>, { blockSize }: ConvolutionTarget): string[] {
  const dilated = node.primitive === 'conv2dInputGrad' && node.attributes.dilation.some((d) => d !== 1);
  if (dilated || sizeOf(node.shape) === 0) return ['direct'];
  const { c, o, positions, row } = geometry(node);
  const blocked = blockable(node, blockSize) ? ['blocked'] : [];
  // ONNX Runtime blocks filters that do not change by itself, and keeps the blocks from one operator to the next.
  const held = node.primitive !== 'conv2dFilterGrad' && node.inputs[1]?.primitive === 'constant';
  if (held || (positions < FEWEST_POSITIONS && row > 1)) return ['direct', ...blocked, 'product'];
  // One output for a whole image is a product as it stands.
  if (row === 1) return ['product', ...blocked, 'direct'];
  if (node.primitive === 'conv2dFilterGrad') return c === 1 ? ['direct', 'product'] : ['product', 'direct'];
  const short = node.primitive === 'conv2d' && row <= SHORT_ROW && Math.min(c, o) >= 64;
  const wide = Math.min(c, o) >= 16;
  return short
    ? ['product', ...blocked, 'direct']
    : [...blocked, ...(wide ? ['product', 'direct'] : ['direct', 'product'])];
}

/** Replaces each convolution by the way that `choose` takes. */
export function expandConvolutions(graph: Graph, target: ConvolutionTarget, choose: ConvolutionChooser): Graph {
  const expanded = (node: Tensor<ConvolutionPrimitive>): Tensor => {
    const ways = waysFor(node, target);
    const way = choose(node, ways);
    if (!ways.includes(way)) {
      throw new RangeError(`${node.primitive}: "${way}" is not a form of it here; choose from ${ways.join(', ')}.`);
    }
    return (WAYS[node.primitive][way] as Way)(node as Tensor<never>);
  };
  const done = new Map<Tensor, Tensor>();
  for (const node of topologicalOrder(graph.outputs)) {
    const inputs = node.inputs.map((x) => done.get(x) as Tensor);
    const same = inputs.every((x, i) => x === node.inputs[i]);
    const current = same ? node : apply(node.primitive, inputs, node.attributes);
    done.set(node, isConvolution(current) ? expanded(current) : current);
  }
  return { ...graph, outputs: graph.outputs.map((output) => done.get(output) as Tensor) };
}

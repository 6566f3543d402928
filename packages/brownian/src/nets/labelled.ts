import { type Shape, type Tensor, concat, gather, matmul } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Params, SymbolicParams } from '../interfaces.ts';
import type { Layer } from './net.ts';

/** A network from latents to items that may be told the labels of the items. */
export interface Generator {
  /** Shape of one latent, `[dim]`. */
  readonly inputShape: Shape;
  readonly outputShape: Shape;
  /** Labels it takes; 0 for an unconditional one. */
  readonly classes: number;
  init(key: Stream): Params;
  /**
   * `[n, dim]` → `[n, ...outputShape]`.
   *
   * @param labels int32 `[n]`, if and only if there are classes
   */
  apply(params: SymbolicParams, z: Tensor, labels?: Tensor): Tensor;
  /** The same with a weight for every label, `[n, classes]`: what lies between labels; left out where there are no classes. */
  blend(params: SymbolicParams, z: Tensor, weights: Tensor | undefined): Tensor;
}

/** Options of {@link labelledGenerator}. */
export interface LabelledGeneratorOptions {
  /** Length of a latent. */
  readonly dim: number;
  /** 0 for none. */
  readonly classes: number;
  /** Length of the learned vector that stands for a label. */
  readonly embedding: number;
}

/**
 * A generator whose input is the latent and, with classes, behind it the embedding of the label (generalised GCN, section 5.1: "the concatenation of
 * random Gaussian noise and embedded label vector").
 */
export function labelledGenerator(layer: Layer, { dim, classes, embedding }: LabelledGeneratorOptions): Generator {
  const net = layer([classes === 0 ? dim : dim + embedding]);
  const facts = { inputShape: [dim], outputShape: net.outputShape, classes };
  if (classes === 0) {
    const apply: Generator['apply'] = (params, z, labels) => {
      if (labels !== undefined) throw new TypeError('labelledGenerator: there are no classes, so it takes no labels.');
      return net.apply(params, z);
    };
    return { ...facts, init: (key) => net.init(key), apply, blend: apply };
  }
  const told = (params: SymbolicParams, z: Tensor, vectors: (table: Tensor) => Tensor): Tensor => {
    const parts = params as { readonly embedding: Tensor; readonly net: Tensor };
    return net.apply(parts.net, concat([z, vectors(parts.embedding)], 1));
  };
  return {
    ...facts,
    init: (key) => ({
      embedding: key.split('embedding').normal([classes, embedding]),
      net: net.init(key.split('net')),
    }),
    apply: (params, z, labels) => {
      if (labels === undefined)
        throw new TypeError(`labelledGenerator: items are of ${classes} classes, so it needs their labels.`);
      return told(params, z, (table) => gather(table, labels, 0));
    },
    blend: (params, z, weights) => told(params, z, (table) => matmul(weights as Tensor, table)),
  };
}

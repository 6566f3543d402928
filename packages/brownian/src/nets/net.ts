import { type NDArray, type Shape, type Tensor, constant, mapTree } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Params, SymbolicParams } from '../interfaces.ts';

/** A network: a pure function of a parameter tree and a batch. Shapes leave out the batch axis. */
export interface Net {
  readonly inputShape: Shape;
  readonly outputShape: Shape;
  /** Fresh parameters. */
  init(key: Stream): Params;
  /** `[batch, ...inputShape]` → `[batch, ...outputShape]`. */
  apply(params: SymbolicParams, x: Tensor): Tensor;
}

/** A layer is a network that still waits for the shape of its input. */
export type Layer = (inputShape: Shape) => Net;

/** Layers one after another; parameters are a list with one entry per layer. */
export function chain(...layers: readonly Layer[]): Layer {
  return (inputShape) => {
    const nets: Net[] = [];
    for (const layer of layers) nets.push(layer(nets.at(-1)?.outputShape ?? inputShape));
    return {
      inputShape,
      outputShape: nets.at(-1)?.outputShape ?? inputShape,
      init: (key) => nets.map((net, i) => net.init(key.split(i))),
      apply: (params, x) => {
        const list = params as readonly SymbolicParams[];
        if (list.length !== nets.length)
          throw new TypeError(`chain: the network has ${nets.length} layers, these parameters are of ${list.length}.`);
        return nets.reduce((h, net, i) => net.apply(list[i] as SymbolicParams, h), x);
      },
    };
  };
}

/** Parameters as constants of a traced function: what a compiled or exported model holds as weights. */
export function builtIn(params: Params): SymbolicParams {
  return mapTree<NDArray, Tensor, SymbolicParams>((leaf) => constant(leaf), params);
}

/**
 * A network with these parameters built in: it has none of its own, and a compiled model holds them as weights, which ONNX Runtime
 * lays out for its kernels once. For filters that are not learned.
 */
export function withWeights(net: Net, params: Params): Net {
  return {
    ...net,
    init: () => [],
    apply: (_, x) => net.apply(builtIn(params), x),
  };
}

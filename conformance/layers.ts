import { type NDArray, type Tensor, matmul, transpose } from '@brownian/graph';
import { type Reference, inputOf } from './reference.ts';
import { requireKnownInputs } from './spec.ts';

/** Weights a{k} `[out, in]` and biases c{k} `[out]` of the layers of a net, by name. */
export type LayerWeights = Readonly<Record<string, Tensor>>;

/**
 * How many layers a file has, and their weights: a1, a2, … and the biases c1, c2, … that there are.
 *
 * @param data the other inputs of the kind
 * @throws ReferenceError without a1, and for inputs that belong to no layer, such as a3 without a2
 */
export function layersOf(
  reference: Reference,
  data: readonly string[],
): { readonly depth: number; readonly weights: Record<string, NDArray> } {
  let depth = 1;
  while (reference.inputs[`a${depth + 1}`] !== undefined) depth++;
  const all = Array.from({ length: depth }, (_, i) => [`a${i + 1}`, `c${i + 1}`]).flat();
  requireKnownInputs(reference, [...data, ...all]);
  const names = all.filter((name) => name === 'a1' || reference.inputs[name] !== undefined);
  return { depth, weights: Object.fromEntries(names.map((name) => [name, inputOf(reference, name)])) };
}

/** A net of dense layers with an activation between them: `[n, in]` → `[n, out]`. */
export function denseLayers(
  weights: LayerWeights,
  depth: number,
  activation: (x: Tensor) => Tensor,
  x: Tensor,
): Tensor {
  let value = x;
  for (let k = 1; k <= depth; k++) {
    const bias = weights[`c${k}`];
    const sum = matmul(k === 1 ? value : activation(value), transpose(weights[`a${k}`] as Tensor));
    value = bias === undefined ? sum : sum.add(bias);
  }
  return value;
}

/** Gradients of weights as files name them: grad_a1, grad_c1, … */
export function namedSlopes(slopes: LayerWeights): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(slopes).map(([name, value]) => [`grad_${name}`, value]));
}

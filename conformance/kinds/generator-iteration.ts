import { type NDArray, tanh } from '@brownian/graph';
import {
  type Net,
  type SymbolicParams,
  dense,
  descriptor,
  flatten,
  generatorUpdate,
  labelledGenerator,
  mlp,
  pointwise,
  chain,
  sgd,
} from 'brownian';
import { activation, activationOf } from '../activations.ts';
import { type Conform, type Reference, ReferenceError, inputOf } from '../reference.ts';
import { runtime } from '../runtime.ts';
import { count, number, oneOf, optional, readSpec, requireKnownInputs } from '../spec.ts';

const FIELDS = {
  learning: oneOf(['reconstruction', 'amortised']),
  classes: optional(count, 0),
  embedding: optional(count, undefined),
  gain: optional(number, 1),
  scale: optional(number, 1),
  learningRate: number,
  /** Hidden rows are learned where there is one. */
  hiddenRate: optional(number, undefined),
  prior: optional(number, 0),
  activation: optional(activation, 'leakyRelu(0.2)'),
};

/** Inputs of every file, and those of one with labels. */
const INPUTS = ['g1', 'h1', 'g2', 'h2', 'theta', 'w', 'b', 'zeta', 'target'];
const LABELLED = ['embedding', 'labels'];

/** The parameters of an mlp with one hidden layer: [flatten, dense, activation, dense, shape]. */
function generatorParams(reference: Reference, classes: number): SymbolicParams {
  const at = (name: string): NDArray => inputOf(reference, name);
  const net = [[], { w: at('g1'), b: at('h1') }, [], { w: at('g2'), b: at('h2') }, []];
  const tree = classes === 0 ? net : { embedding: at('embedding'), net };
  return tree as unknown as SymbolicParams;
}

/** Length of the vector of a label. @throws ReferenceError when the embedding is not of these labels */
function embeddingOf(reference: Reference, classes: number, stated: number | undefined): number {
  if (classes === 0) return 0;
  const { shape } = inputOf(reference, 'embedding');
  const [rows, width] = shape;
  const length = stated ?? width;
  if (shape.length !== 2 || length === undefined || rows !== classes || width !== length)
    throw new ReferenceError(`inputs.embedding is [${shape.join(', ')}]; the spec says [${classes}, ${length}].`);
  return length;
}

/** One update of a generator with one hidden layer, and of hidden rows, by reconstruction or amortised, with labels or without. */
export const conformGeneratorIteration: Conform = async (reference) => {
  const { classes, hiddenRate, ...spec } = readSpec(reference, FIELDS);
  requireKnownInputs(reference, classes === 0 ? INPUTS : [...INPUTS, ...LABELLED]);
  const act = activationOf(spec.activation);
  const [items, dim] = [inputOf(reference, 'target').shape[1] as number, inputOf(reference, 'zeta').shape[1] as number];
  const [units, filters] = [inputOf(reference, 'h1'), inputOf(reference, 'b')].map(({ shape }) => shape[0] as number);
  const layer = mlp({ widths: [units as number], output: [items], activation: act, last: tanh });
  const net = labelledGenerator(layer, { dim, classes, embedding: embeddingOf(reference, classes, spec.embedding) });
  const features: Net = chain(flatten(), dense(filters as number), pointwise(act))([items]);
  const update = runtime().compile(
    generatorUpdate({
      potential: descriptor(features, { classes, gain: spec.gain }),
      net,
      optimizer: sgd(spec.learningRate),
      originalWeight: 0,
      learning: spec.learning,
      scale: spec.scale,
      ema: 0,
      hidden: hiddenRate === undefined ? null : { learningRate: hiddenRate, prior: spec.prior },
    }),
    { name: 'generator reference' },
  );
  const theta = {
    theta: inputOf(reference, 'theta'),
    features: [[], { w: inputOf(reference, 'w'), b: inputOf(reference, 'b') }, []],
  } as unknown as SymbolicParams;
  const labels = (): NDArray => {
    const { shape, data } = inputOf(reference, 'labels');
    return { dtype: 'int32', shape, data: Int32Array.from(data as Float32Array) };
  };
  const at = {
    hidden: inputOf(reference, 'zeta'),
    target: inputOf(reference, 'target'),
    ...(classes > 0 && { labels: labels() }),
  };
  const next = await update(generatorParams(reference, classes) as never, [], [], theta as never, at);
  type Layers = readonly [never, { w: NDArray; b: NDArray }, never, { w: NDArray; b: NDArray }];
  const params = next.params as unknown as Layers | { embedding: NDArray; net: Layers };
  const layers = 'net' in params ? params.net : params;
  return {
    ...next.metrics,
    ...(hiddenRate !== undefined && { new_zeta: next.hidden[0] as NDArray }),
    new_g1: layers[1].w,
    new_h1: layers[1].b,
    new_g2: layers[3].w,
    new_h2: layers[3].b,
    ...('net' in params && { new_embedding: params.embedding }),
  };
};

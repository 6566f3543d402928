import { type NDArray, type Tensor, constant, conv2d, leakyRelu, maxPool2d, ndarray, relu } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import {
  LANGEVIN_DEFAULTS,
  type Flow,
  type Net,
  type Params,
  type Potential,
  type SymbolicParams,
  descriptor,
  descriptiveUpdate,
  effectiveStep,
  jko,
  kl,
  langevin,
  sgd,
  squaredSpeed,
} from 'brownian';
import { type Conform, type Reference, ReferenceError, inputOf, numberOf } from '../reference.ts';
import { runtime } from '../runtime.ts';

const WEIGHTS = ['w1', 'b1', 'w2', 'b2'] as const;
type Weights = Readonly<Record<(typeof WEIGHTS)[number], Tensor>>;

function activationOf(reference: Reference): (x: Tensor) => Tensor {
  const name = String(reference.spec['activation']);
  const slope = /^leakyRelu\((.+)\)$/.exec(name)?.[1];
  if (slope !== undefined) return (x) => leakyRelu(x, Number(slope));
  if (name === 'relu') return relu;
  throw new ReferenceError(`spec.activation "${name}" is not known; it is relu or leakyRelu(slope).`);
}

/** conv 3×3 - activation - max pool 2 - conv 3×3 - activation; weights come from the parameters or are fixed. */
function features(reference: Reference, fixed: Readonly<Record<string, NDArray>> | undefined): Net {
  const act = activationOf(reference);
  const [, ...inputShape] = inputOf(reference, 'data').shape as readonly [number, ...number[]];
  return {
    inputShape,
    outputShape: inputOf(reference, 'theta').shape,
    init: () => [],
    apply: (params, x) => {
      const w = (
        fixed === undefined
          ? params
          : Object.fromEntries(WEIGHTS.map((name) => [name, constant(fixed[name] as NDArray)]))
      ) as Weights;
      const low = maxPool2d(act(conv2d(x, w.w1, { padding: 1, bias: w.b1 })), { kernel: 2 });
      return act(conv2d(low, w.w2, { padding: 1, bias: w.b2 }));
    },
  };
}

/** Noise given in advance, one row per draw. */
function replay(noise: NDArray): Pick<Stream, 'normal'> {
  const [, ...shape] = noise.shape as readonly [number, ...number[]];
  const size = shape.reduce((a, b) => a * b, 1);
  let next = 0;
  return { normal: () => ndarray((noise.data as Float32Array).slice(next * size, ++next * size), shape) };
}

function flowOf(reference: Reference, speedScale: number): Flow {
  const beta = numberOf(reference, 'beta');
  return beta === 0 ? kl() : jko({ beta, speedScale });
}

/** Mean squared displacement of a noise-free step at the new and at the previous particles, with the old parameters. */
async function speeds(
  reference: Reference,
  potential: Potential,
  params: Params,
  particles: NDArray,
  speedScale: number,
): Promise<Record<string, NDArray>> {
  const measure = runtime().compile(
    (p: SymbolicParams, x: Tensor, previous: Tensor) => ({
      speed: squaredSpeed(potential, p, x, speedScale),
      previousSpeed: squaredSpeed(potential, p, previous, speedScale),
    }),
    { name: 'speeds' },
  );
  return measure(params, particles, inputOf(reference, 'previousParticles'));
}

/** One outer iteration of pGCN, w-pGCN, GCN or wGCN: Langevin steps with given noise, then the update of every learned tensor. */
export const conformDescriptorIteration: Conform = async (reference) => {
  const learned = reference.spec['learned'] as readonly string[];
  const weights = Object.fromEntries(WEIGHTS.map((name) => [name, inputOf(reference, name)]));
  const fixed = learned.includes('w1') ? undefined : weights;
  const net = features(reference, fixed);
  const potential = descriptor(net);
  const params = { theta: inputOf(reference, 'theta'), features: fixed === undefined ? weights : [] };
  const options = {
    ...LANGEVIN_DEFAULTS,
    steps: numberOf(reference, 'langevinSteps'),
    delta: numberOf(reference, 'delta'),
    sigma: numberOf(reference, 'sigma'),
  };
  const speedScale = effectiveStep(options) ** 2 / 2;

  const sampler = langevin(runtime(), potential, options);
  const draw = replay(inputOf(reference, 'noise')) as Stream;
  const [{ x: particles }] = await sampler.run(
    sampler.init(params, inputOf(reference, 'particles')),
    options.steps,
    draw,
  );

  const optimizer = sgd(numberOf(reference, 'learningRate'));
  const model = { potential, flow: flowOf(reference, speedScale), optimizer, ema: 0, langevin: options };
  const update = runtime().compile(descriptiveUpdate(model));
  const at = {
    data: inputOf(reference, 'data'),
    particles,
    previous: inputOf(reference, 'previousParticles'),
    gamma: ndarray(numberOf(reference, 'gamma'), []),
  };
  const next = await update(params, optimizer.init(params), [], at);

  const after = next.params as { theta: NDArray; features: Record<string, NDArray> };
  const updated = { theta: after.theta, ...after.features };
  return {
    particles,
    ...(await speeds(reference, potential, params, particles, speedScale)),
    responseDistance: next.metrics['responseDistance'] as NDArray,
    ...Object.fromEntries(Object.entries(updated).map(([name, value]) => [`new_${name}`, value])),
  };
};

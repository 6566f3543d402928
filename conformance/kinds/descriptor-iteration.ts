import { type NDArray, type Tensor, constant, conv2d, maxPool2d, ndarray, zeros } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import {
  LANGEVIN_DEFAULTS,
  type LangevinOptions,
  type Net,
  type Params,
  type Potential,
  type SymbolicParams,
  descriptor,
  descriptiveUpdate,
  driftScale,
  jko,
  kl,
  langevin,
  sgd,
  squaredSpeed,
} from 'brownian';
import { activation, activationOf } from '../activations.ts';
import { type Conform, type Reference, ReferenceError, inputOf } from '../reference.ts';
import { runtime } from '../runtime.ts';
import { count, flag, number, oneOf, optional, orNull, range, readSpec, requireKnownInputs, someOf } from '../spec.ts';

const WEIGHTS = ['w1', 'b1', 'w2', 'b2'] as const;
type Arrays = Readonly<Record<string, NDArray>>;
type Weights = Readonly<Record<(typeof WEIGHTS)[number], Tensor>>;

const INPUTS = [...WEIGHTS, 'theta', 'data', 'particles', 'previousParticles', 'noise'];

const FIELDS = {
  activation,
  langevinSteps: count,
  delta: number,
  sigma: number,
  learningRate: number,
  learned: someOf(['theta', ...WEIGHTS]),
  beta: optional(number, 0),
  gamma: optional(number, undefined),
  penalty: optional(oneOf(['double-backprop', 'directional']), 'double-backprop'),
  energyL2: optional(number, 0),
  weightClip: optional(orNull(number), null),
  gain: optional(number, 1),
  form: optional(oneOf(['preconditioned', 'literal']), LANGEVIN_DEFAULTS.form),
  reference: optional(flag, LANGEVIN_DEFAULTS.reference),
  noise: optional(flag, true),
  temperature: optional(number, LANGEVIN_DEFAULTS.temperature),
  speedDrift: optional(flag, LANGEVIN_DEFAULTS.speedDrift),
  clip: optional(orNull(range), LANGEVIN_DEFAULTS.clip),
  gradientClip: optional(orNull(number), LANGEVIN_DEFAULTS.gradientClip),
  maxDisplacement: optional(orNull(number), LANGEVIN_DEFAULTS.maxDisplacement),
};

type Spec = ReturnType<typeof readSpec<typeof FIELDS>>;

function langevinOf({ langevinSteps, noise, temperature, ...spec }: Spec): LangevinOptions {
  const { form, delta, sigma, reference, speedDrift, clip, gradientClip, maxDisplacement } = spec;
  const moves = { form, delta, sigma, reference, speedDrift, clip, gradientClip, maxDisplacement };
  return { ...moves, steps: langevinSteps, temperature: noise ? temperature : 0 };
}

/** conv 3×3 - activation - max pool 2 - conv 3×3 - activation; each weight comes from the parameters or is fixed. */
function features(reference: Reference, act: (x: Tensor) => Tensor, fixed: Arrays): Net {
  const [, channels, height, width] = inputOf(reference, 'data').shape as readonly [number, number, number, number];
  return {
    inputShape: [channels, height, width],
    outputShape: [inputOf(reference, 'b2').shape[0] as number, Math.floor(height / 2), Math.floor(width / 2)],
    init: () => [],
    apply: (params, x) => {
      const constants = Object.entries(fixed).map(([name, value]) => [name, constant(value)]);
      const w = { ...Object.fromEntries(constants), ...(params as Partial<Weights>) } as Weights;
      const low = maxPool2d(act(conv2d(x, w.w1, { padding: 1, bias: w.b1 })), { kernel: 2 });
      return act(conv2d(low, w.w2, { padding: 1, bias: w.b2 }));
    },
  };
}

/** Noise given in advance, one row per draw; it may be left out where it has no effect. */
function replay(reference: Reference, { steps, temperature }: LangevinOptions): Pick<Stream, 'normal'> {
  const { shape } = inputOf(reference, 'particles');
  if (temperature === 0 && reference.inputs['noise'] === undefined) return { normal: () => zeros(shape) };
  const noise = inputOf(reference, 'noise');
  const [draws, ...rest] = noise.shape;
  if (Number(draws) < steps || rest.join() !== shape.join())
    throw new ReferenceError(
      `inputs.noise is [${noise.shape.join(', ')}]; ${steps} steps of the particles take [${[steps, ...shape].join(', ')}].`,
    );
  const size = shape.reduce((a, b) => a * b, 1);
  let next = 0;
  return { normal: () => ndarray((noise.data as Float32Array).slice(next * size, ++next * size), shape) };
}

/** Mean squared displacement of a noise-free step at the new and, if there are any, at the previous particles, with the old parameters. */
async function speeds(
  reference: Reference,
  potential: Potential,
  params: Params,
  particles: NDArray,
  speedScale: number,
): Promise<Arrays> {
  const measure = runtime().compile((p: SymbolicParams, x: Tensor) => squaredSpeed(potential, p, x, speedScale), {
    name: 'speed',
  });
  const { previousParticles } = reference.inputs;
  return {
    speed: await measure(params, particles),
    ...(previousParticles !== undefined && { previousSpeed: await measure(params, previousParticles) }),
  };
}

/** θ of files: a weight per position, `[channels, h, w]`, or per channel, `[channels]` or `[channels, 1, 1]`. */
function thetaOf(reference: Reference): { readonly theta: NDArray; readonly per: 'position' | 'channel' } {
  const { shape, data } = inputOf(reference, 'theta');
  if (shape.length === 1) return { theta: ndarray(data, [...shape, 1, 1]), per: 'channel' };
  return { theta: ndarray(data, shape), per: shape[1] === 1 && shape[2] === 1 ? 'channel' : 'position' };
}

/** What the flow needs besides the data and the new particles; the KL flow looks at neither. */
function lookingBack(reference: Reference, { beta, gamma }: Spec): { previous: NDArray; gamma: NDArray } {
  if (beta !== 0 && gamma === undefined)
    throw new ReferenceError('spec.gamma, a number, is needed where spec.beta is not 0.');
  const name = beta === 0 && reference.inputs['previousParticles'] === undefined ? 'particles' : 'previousParticles';
  return { previous: inputOf(reference, name), gamma: ndarray(gamma ?? 0, []) };
}

/** One outer iteration of pGCN, w-pGCN, GCN or wGCN: Langevin steps with given noise, then the update of every learned tensor. */
export const conformDescriptorIteration: Conform = async (reference) => {
  const spec = readSpec(reference, FIELDS);
  requireKnownInputs(reference, INPUTS);
  const { learned, beta, penalty, energyL2, weightClip, gain } = spec;
  const part = (isLearned: boolean): Arrays =>
    Object.fromEntries(
      WEIGHTS.filter((name) => learned.includes(name) === isLearned).map((name) => [name, inputOf(reference, name)]),
    );
  const { theta, per } = thetaOf(reference);
  const potential = descriptor(features(reference, activationOf(spec.activation), part(false)), { theta: per, gain });
  const params = { theta, features: part(true) };
  const options = langevinOf(spec);
  const speedScale = driftScale(options);

  const sampler = langevin(runtime(), potential, options);
  const draw = replay(reference, options) as Stream;
  const [{ x: particles }] = await sampler.run(
    sampler.init(params, inputOf(reference, 'particles')),
    options.steps,
    draw,
  );

  const flow = beta === 0 ? kl({ energyL2 }) : jko({ beta, speedScale, penalty, energyL2 });
  const optimizer = sgd(spec.learningRate);
  const model = { potential, flow, optimizer, ema: 0, langevin: options, weightClip };
  const update = runtime().compile(descriptiveUpdate(model));
  const at = { data: inputOf(reference, 'data'), particles, ...lookingBack(reference, spec) };
  const next = await update(params, optimizer.init(params), [], at);

  const after = next.params as { theta: NDArray; features: Arrays };
  const newTheta = ndarray(after.theta.data, inputOf(reference, 'theta').shape);
  // θ has a gradient in any case; where it is not learned, it is not part of the update.
  const updated = { ...(learned.includes('theta') && { theta: newTheta }), ...after.features };
  return {
    particles,
    ...(await speeds(reference, potential, params, particles, speedScale)),
    responseDistance: next.metrics['responseDistance'] as NDArray,
    ...Object.fromEntries(Object.entries(updated).map(([name, value]) => [`new_${name}`, value])),
  };
};

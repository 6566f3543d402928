import { type Tensor, leakyRelu } from '@brownian/graph';
import { ACTIVATIONS, type ActivationName } from 'brownian';
import type { Field } from './spec.ts';

function slopeOf(name: string): number | undefined {
  const slope = /^leakyRelu\((.+)\)$/.exec(name)?.[1];
  return slope === undefined ? undefined : Number(slope);
}

function isActivation(value: unknown): boolean {
  return typeof value === 'string' && (Object.hasOwn(ACTIVATIONS, value) || Number.isFinite(slopeOf(value)));
}

/** The name of an activation of the library, or leakyRelu with a slope. */
export const activation: Field<string> = {
  takes: `${Object.keys(ACTIVATIONS).join(', ')} or leakyRelu(slope)`,
  is: isActivation,
  otherwise: null,
};

/** The function that a valid name stands for. */
export function activationOf(name: string): (x: Tensor) => Tensor {
  const slope = slopeOf(name);
  return slope === undefined ? ACTIVATIONS[name as ActivationName] : (x) => leakyRelu(x, slope);
}

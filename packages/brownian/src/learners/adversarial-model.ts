import type { NDArray } from '@brownian/graph';
import type { AdversarialFlow, DiscriminatorFlow } from '../flows/adversarial/flow.ts';
import type { Params } from '../interfaces.ts';
import type { Net } from '../nets/net.ts';
import type { Transform, TransformState } from '../optim/transform.ts';

/** A network and the rule that updates it. */
export interface Trained {
  readonly net: Net;
  readonly optimizer: Transform;
}

/** What an adversarial model is made of. GAN, WGAN, MMD-GAN and EIEG differ in `flow` and in settings. */
export interface AdversarialModel {
  readonly name: string;
  readonly flow: AdversarialFlow;
  /** From latents `[latent]`, drawn from N(0, I), to items. */
  readonly generator: Trained;
  /** From items to features; present if and only if the flow has a discriminator. */
  readonly discriminator?: Trained & {
    /** Updates before each update of the generator. A batch is dealt out among them in equal parts. */
    readonly steps: number;
    /** Data and generated items go through the network in one batch, which it may normalise over. Default false. */
    readonly oneBatch?: boolean;
  };
  /** Items generated at a time, by updates and by `sample`. */
  readonly batch: number;
  /** Decay of the moving average of the generator that `sample` uses; 0 uses the generator itself. */
  readonly ema: number;
}

/** State of an adversarial learner. */
export type AdversarialState = {
  readonly generator: Params;
  readonly generatorOptimizer: TransformState;
  /** Moving average of the generator, with `ema` above 0. */
  readonly average?: Params;
  readonly discriminator?: Params;
  readonly discriminatorOptimizer?: TransformState;
  /** Items of the last update of the generator, `[batch, ...item]`. */
  readonly particles: NDArray;
};

/** A discriminator with its flow. */
export type Opponent = NonNullable<AdversarialModel['discriminator']> & { readonly flow: DiscriminatorFlow };

/** A discriminator where flow and model both have one. @throws RangeError when they do not fit */
export function opponentOf(model: AdversarialModel): Opponent | undefined {
  const { discriminator, flow, name } = model;
  if ((discriminator === undefined) !== (flow.discriminator === undefined))
    throw new RangeError(
      `${name}: the flow ${flow.discriminator ? 'needs a' : 'has no'} discriminator; give the model ${flow.discriminator ? 'one' : 'none'}.`,
    );
  if (discriminator === undefined || flow.discriminator === undefined) return undefined;
  const [features] = discriminator.net.outputShape;
  if (flow.discriminator.features !== null && flow.discriminator.features !== features)
    throw new RangeError(
      `${name}: the discriminator gives ${features} features, the flow takes ${flow.discriminator.features}.`,
    );
  return { ...discriminator, flow: flow.discriminator };
}

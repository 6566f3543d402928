import type { Tensor } from '@brownian/graph';
import type { SymbolicParams } from '../../interfaces.ts';

/** What a generator is judged by: what the discriminator makes of its items and of data; items themselves without one. */
export interface GeneratorPoint {
  /** `[n, features]`, follows the generator. */
  readonly fake: Tensor;
  /** `[m, features]`, held. */
  readonly real: Tensor;
}

/** What a discriminator is judged by. */
export interface DiscriminatorPoint extends GeneratorPoint {
  /** The items behind `fake` and `real`, `[n, ...item]` and `[m, ...item]`. */
  readonly items: { readonly fake: Tensor; readonly real: Tensor };
  /** The discriminator at its current parameters, `[k, ...item] → [k, features]`. */
  readonly discriminate: (items: Tensor) => Tensor;
  /** ~ U[0, 1], `[n]`: positions on the lines between pairs of items. */
  readonly mix: Tensor;
}

/** A loss with the scalars that describe it. */
export interface AdversarialLoss {
  readonly loss: Tensor;
  readonly parts: Readonly<Record<string, Tensor>>;
}

/** How a discriminator learns. */
export interface DiscriminatorFlow {
  /** Features it must have; null leaves the number to the network. */
  readonly features: number | null;
  loss(at: DiscriminatorPoint): AdversarialLoss;
  /** Brings parameters back to where they may be, after an update. */
  constrain?(params: SymbolicParams): SymbolicParams;
}

/** How a generator learns against data, and a discriminator between the two if there is one: both descend their loss. */
export interface AdversarialFlow {
  generatorLoss(at: GeneratorPoint): Tensor;
  /** Absent: there is no discriminator, and the generator meets the data in the space of items. */
  readonly discriminator?: DiscriminatorFlow;
}

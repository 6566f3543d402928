import { type NDArray, type Tensor, softmax } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import type { Params, SymbolicParams } from '../interfaces.ts';
import type { ClassifierNet } from './classifier.ts';

/** What a feature network makes of a batch. */
export interface NetworkOutputs {
  /** `[n, d]`. */
  readonly features: NDArray;
  /** `[n, classes]`, rows that sum to 1; left out by networks without classes. */
  readonly probabilities?: NDArray;
}

/** A fixed network in whose features samples are compared. Scores of different networks do not compare, so it has a name. */
export interface FeatureNetwork {
  /** What people call it. */
  readonly name: string;
  /** SHA-256 of its weights or its file, in hexadecimal: which network it was, beyond doubt. */
  readonly hash: string;
  /** Whether it gives class probabilities. */
  readonly hasClasses: boolean;
  /** Items `[n, …]`, images in [-1, 1] → features and, in the same pass, class probabilities. */
  outputs(x: NDArray): Promise<NetworkOutputs>;
  dispose(): Promise<void>;
}

/** What is said of a network. */
export type NetworkIdentity = Pick<FeatureNetwork, 'name' | 'hash'>;

/** The items themselves, flat: for points, and for metrics in pixel space. */
export function identityNetwork(): FeatureNetwork {
  return {
    name: 'the values themselves',
    hash: 'none',
    hasClasses: false,
    outputs: ({ dtype, shape, data }) => {
      const n = shape[0] as number;
      return Promise.resolve({ features: { dtype, shape: [n, data.length / Math.max(1, n)], data } });
    },
    dispose: () => Promise.resolve(),
  };
}

/** A classifier trained here: what its last layer reads, and its probabilities. */
export function classifierNetwork(
  runtime: Runtime,
  net: ClassifierNet,
  params: Params,
  identity: NetworkIdentity,
): FeatureNetwork {
  const compute = runtime.compile(
    (p: SymbolicParams, x: Tensor) => {
      const features = net.features(p, x);
      return { features, probabilities: softmax(net.logits(p, features)) };
    },
    { name: identity.name, frozen: [0] },
  );
  return { ...identity, hasClasses: true, outputs: (x) => compute(params, x), dispose: () => compute.dispose() };
}

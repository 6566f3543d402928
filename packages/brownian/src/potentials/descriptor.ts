import { type NDArray, type Tensor, gather, matmul, normalizeAxes, sizeOf, zeros } from '@brownian/graph';
import type { Potential, SymbolicParams } from '../interfaces.ts';
import type { Net } from '../nets/net.ts';

/** Options of {@link descriptor}. */
export interface DescriptorPotentialOptions {
  /** One weight θ per position and channel of the features, or one per channel (stationary texture). Default `position`. */
  readonly theta?: 'position' | 'channel';
  /** Where θ starts: `random` from N(0, 1/size), for filters that are learned; `zero` for fixed ones. Default `random`. */
  readonly start?: 'zero' | 'random';
  /** Multiplies Φ. Default 1. */
  readonly gain?: number;
  /**
   * Labels that Φ is conditional on: θ has a row of weights for each, and {@link Potential.apply} takes the labels of the particles, int32
   * `[particles]`, as its condition. Default 0, unconditional.
   */
  readonly classes?: number;
}

/** Parameters of a descriptor potential; `features` is empty when the filters are fixed. */
export interface DescriptorParams {
  readonly theta: Tensor;
  readonly features: SymbolicParams;
}

/**
 * Φ(x; θ, w) = gain · Σₖ θₖ Fₖ(x; w): a weighted sum of filter responses (generalised GCN, Eq. 3; FRAME when F is fixed). With labels y,
 * Φ(x | y) = gain · Σₖ θ_{y,k} Fₖ(x): filters are shared, weights are of a label.
 *
 * @param net the filters F, `[n, ...item] → [n, channels, ...positions]`
 */
export function descriptor(
  net: Net,
  { theta = 'position', start = 'random', gain = 1, classes = 0 }: DescriptorPotentialOptions = {},
): Potential {
  const [channels, ...positions] = net.outputShape as readonly [number, ...number[]];
  const shape = theta === 'position' ? net.outputShape : [channels, ...positions.map(() => 1)];
  const stored = classes === 0 ? shape : [classes, ...shape];
  const sumAxes = net.outputShape.map((_, i) => i + 1);
  const responsesAt = (params: SymbolicParams, x: Tensor): Tensor =>
    net.apply((params as unknown as DescriptorParams).features, x);
  const weighed = (params: SymbolicParams, x: Tensor, weights: Tensor): Tensor =>
    responsesAt(params, x).mul(weights).sum(sumAxes).mul(gain);
  const thetaOf = (params: SymbolicParams): Tensor => (params as unknown as DescriptorParams).theta;
  return {
    init: (key) => ({
      theta: start === 'zero' ? zeros(stored) : scaledNormal(key.split('theta').normal(stored), sizeOf(shape)),
      features: net.init(key.split('features')),
    }),
    apply: (params, x, labels) => {
      if ((classes === 0) !== (labels === undefined))
        throw new TypeError(
          classes === 0
            ? 'descriptor: this potential is unconditional, so it takes no labels.'
            : `descriptor: this potential is conditional on ${classes} labels, so it needs those of the particles.`,
        );
      return weighed(params, x, labels === undefined ? thetaOf(params) : gather(thetaOf(params), labels, 0));
    },
    ...(classes > 0 && {
      blend: (params: SymbolicParams, x: Tensor, weights: Tensor) => {
        const rows = matmul(weights, thetaOf(params).reshape([classes, -1]));
        return weighed(params, x, rows.reshape([-1, ...shape]));
      },
    }),
    features: responsesAt,
    responses: (params, x) => {
      const responses = responsesAt(params, x);
      return responses.mean(normalizeAxes(responses).filter((axis) => axis !== 1));
    },
  };
}

/** Normal weights scaled so that Φ of unit features, `size` of them, has unit size. */
function scaledNormal(draws: NDArray, size: number): NDArray {
  const scale = 1 / Math.sqrt(size);
  return { ...draws, data: (draws.data as Float32Array).map((v) => v * scale) };
}

import { type NDArray, type Tensor, normalizeAxes, sizeOf, zeros } from '@brownian/graph';
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
}

/** Parameters of a descriptor potential; `features` is empty when the filters are fixed. */
export interface DescriptorParams {
  readonly theta: Tensor;
  readonly features: SymbolicParams;
}

/**
 * Φ(x; θ, w) = gain · Σₖ θₖ Fₖ(x; w): a weighted sum of filter responses (generalised GCN, Eq. 3; FRAME when F is fixed).
 *
 * @param net the filters F, `[n, ...item] → [n, channels, ...positions]`
 */
export function descriptor(
  net: Net,
  { theta = 'position', start = 'random', gain = 1 }: DescriptorPotentialOptions = {},
): Potential {
  const [channels, ...positions] = net.outputShape as readonly [number, ...number[]];
  const shape = theta === 'position' ? net.outputShape : [channels, ...positions.map(() => 1)];
  const sumAxes = net.outputShape.map((_, i) => i + 1);
  const responsesAt = (params: SymbolicParams, x: Tensor): Tensor =>
    net.apply((params as unknown as DescriptorParams).features, x);
  return {
    init: (key) => ({
      theta: start === 'zero' ? zeros(shape) : scaledNormal(key.split('theta').normal(shape)),
      features: net.init(key.split('features')),
    }),
    apply: (params, x) => {
      const { theta: weights } = params as unknown as DescriptorParams;
      return responsesAt(params, x).mul(weights).sum(sumAxes).mul(gain);
    },
    features: responsesAt,
    responses: (params, x) => {
      const responses = responsesAt(params, x);
      return responses.mean(normalizeAxes(responses).filter((axis) => axis !== 1));
    },
  };
}

/** Normal weights scaled so that Φ of unit features has unit size. */
function scaledNormal(draws: NDArray): NDArray {
  const scale = 1 / Math.sqrt(sizeOf(draws.shape));
  return { ...draws, data: Float32Array.from(draws.data as Float32Array, (v) => v * scale) };
}

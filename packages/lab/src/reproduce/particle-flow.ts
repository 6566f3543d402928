import { type NDArray, ndarray } from '@brownian/graph';
import type { ElasticKernelOptions, SolveOptions } from 'brownian';
import { UserError } from '../errors.ts';

/** `2:1`: mobilities of attraction and repulsion. @throws UserError for anything else */
export function parseMobilities(text: string): readonly [attraction: number, repulsion: number] {
  const [, attraction, repulsion] = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (attraction === undefined || repulsion === undefined || Number(attraction) === 0)
    throw new UserError(
      `--mobilities has ${JSON.stringify(text)}; it takes those of attraction and repulsion, such as 1:1,2:1.`,
      { exitCode: 2 },
    );
  return [Number(attraction), Number(repulsion)];
}

/** A kernel, and how the flow is solved with it. */
export interface Kernel {
  readonly kernel: ElasticKernelOptions;
  readonly solver: Pick<SolveOptions, 'solver' | 'stepSize' | 'rtol' | 'atol'>;
}

/** A solver that chooses its steps. */
export const ADAPTIVE = { solver: 'bosh3', rtol: 1e-2, atol: 1e-2 } as const;

/** `1.2@0.05`: dimension and cut-off of a kernel; `2@1@0.1`: the same for Euler's method with steps of .1. @throws UserError for anything else */
export function parseKernel(text: string): Kernel {
  const [dimension = NaN, cutoff = NaN, ...rest] = text.split('@').map((part) => (part === '' ? NaN : Number(part)));
  const [step] = rest;
  if (dimension > 1 && cutoff > 0 && rest.length <= 1 && (step === undefined || step > 0))
    return {
      kernel: { dimension, cutoff },
      solver: step === undefined ? ADAPTIVE : { solver: 'euler', stepSize: step },
    };
  throw new UserError(
    `--kernels has ${JSON.stringify(text)}; it takes dimension@cut-off, or dimension@cut-off@step of Euler's method, such as 1.2@0.05,2@1@0.1.`,
    { exitCode: 2 },
  );
}

/** Particles in the precision of pictures. */
export function singles(x: NDArray): NDArray {
  return ndarray(Float32Array.from(x.data as Float64Array), x.shape);
}

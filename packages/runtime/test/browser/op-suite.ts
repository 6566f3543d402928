import { type Tensor, ndarray } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { type MockInstance, afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Comparison, type Limits, checkOp, failures } from '../gradient/check-op.ts';
import { COMPOSITE_CASES } from '../gradient/composite-cases.ts';
import type { OpCase } from '../gradient/op-case.ts';
import { PRIMITIVE_CASES } from '../gradient/op-cases.ts';

/** What {@link describeOps} needs to know of a target. */
export interface OpTarget {
  /** The largest errors that a case may have there. */
  limitsOf(op: OpCase): Limits;
  /** Whether every case must run kernels on the GPU, or none may. */
  readonly onGpu: boolean;
}

function worst(comparisons: readonly Comparison[], order: string): string {
  const of = comparisons.filter(({ what }) => what.includes(`: ${order}`));
  const { what, error } = of.reduce((most, one) => (one.error > most.error ? one : most));
  return `${error.toExponential(1)} (${what})`;
}

/** Counts the kernels that this page starts on the GPU; one spy however often it is called. */
export function kernelsOnGpu(): MockInstance<GPUComputePassEncoder['dispatchWorkgroups']> {
  return vi.spyOn(GPUComputePassEncoder.prototype, 'dispatchWorkgroups');
}

/**
 * Checks values, first and second derivatives of every case of the table of operations on a runtime of this page, against the
 * float64 interpreter in this page.
 */
export function describeOps(runtime: Runtime, { limitsOf, onGpu }: OpTarget): void {
  const all: Comparison[] = [];
  const kernels = kernelsOnGpu();
  // ONNX Runtime drops the GPU device, and every pipeline it has compiled, with the last session: one stays open.
  const keeper = runtime.compile((x: Tensor) => x.add(x), { name: 'keeper' });
  beforeAll(async () => {
    expect((await keeper(ndarray([1, 2]))).data).toEqual(Float32Array.of(2, 4));
  });

  const describeCases = (title: string, cases: readonly OpCase[]): void => {
    describe(`cases of ${title}`, () => {
      test.each(cases)('$name: values, first and second derivatives agree with the interpreter', async (op) => {
        kernels.mockClear();
        const comparisons = await checkOp(op, runtime, { limits: limitsOf(op) });
        all.push(...comparisons);
        expect(failures(comparisons)).toEqual([]);
        expect(kernels.mock.calls.length > 0).toBe(onGpu);
      });
      afterEach(() => {
        expect(runtime.openSessions).toBe(1);
      });
    });
  };
  for (const [primitive, cases] of Object.entries(PRIMITIVE_CASES)) describeCases(primitive, cases);
  describeCases('composed operations', COMPOSITE_CASES);

  test('no session is left open', async () => {
    await keeper.dispose();
    expect(runtime.openSessions).toBe(0);
  });
  afterAll(async () => {
    await runtime.dispose();
    kernels.mockRestore();
    const parts = ['value', 'first', 'second'].map((order) => `${order} ${worst(all, order)}`);
    console.info(`${runtime.name}, worst relative errors: ${parts.join(', ')}`);
  });
}

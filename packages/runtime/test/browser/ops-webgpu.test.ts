import { type Tensor, conv2d, full, grad, matmul, tanh, topologicalOrder, trace } from '@brownian/graph';
import { webRuntime } from '@brownian/runtime/web';
import { expect, test } from 'vitest';
import type { Limits } from '../gradient/check-op.ts';
import type { OpCase } from '../gradient/op-case.ts';
import { describeOps, kernelsOnGpu } from './op-suite.ts';

/**
 * WGSL promises less than the C library: exp(x) and pow through it may be off by 3 + 2|x| units of 2⁻²³, which at the operands
 * of the cases is up to 1.5e-6, division by 2.5 of them, and derivatives multiply several of these. (The software adapter of the
 * test machines stays below 5e-7 in values and 3e-6 in derivatives.)
 */
const WGSL_LIMITS: Limits = { value: 2e-6, first: 5e-6, second: 1e-5 };

/**
 * WGSL promises sin and cos to an absolute 2⁻¹¹ only, and the software adapter makes use of it: 2e-4 in values. Twice that
 * because errors are relative to the largest value; each derivative multiplies by as inexact a factor again.
 */
const TRIGONOMETRIC_LIMITS: Limits = { value: 2 ** -10, first: 2 ** -9, second: 2 ** -8 };

function limitsOf({ name, f, inputs }: OpCase): Limits {
  const nodes = topologicalOrder(trace(name, f, inputs).graph.outputs);
  const trigonometric = nodes.some(({ primitive }) => primitive === 'sin' || primitive === 'cos');
  return trigonometric ? TRIGONOMETRIC_LIMITS : WGSL_LIMITS;
}

const runtime = await webRuntime({ provider: 'webgpu' });

test('a gradient of convolutions and products starts at least one kernel for each of them', async () => {
  const potential = (x: Tensor, w: Tensor, readout: Tensor): Tensor =>
    matmul(tanh(conv2d(tanh(conv2d(x, w)), w)).reshape([2, -1]), readout).sum();
  const step = runtime.compile((x: Tensor, w: Tensor, readout: Tensor) => grad(potential)(x, w, readout));
  const inputs = [full([2, 4, 8, 8], 0.1), full([4, 4, 3, 3], 0.1), full([64, 1], 0.1)] as const;
  await step(...inputs);
  const kernels = kernelsOnGpu();
  kernels.mockClear();
  await step(...inputs);
  const heavy = topologicalOrder(step.graph(...inputs).outputs).filter(({ primitive }) =>
    /^conv2d|^matmul/.test(primitive),
  );
  expect(heavy.length).toBeGreaterThan(3);
  expect(kernels.mock.calls.length).toBeGreaterThanOrEqual(heavy.length);
  await step.dispose();
});

describeOps(runtime, { onGpu: true, limitsOf });

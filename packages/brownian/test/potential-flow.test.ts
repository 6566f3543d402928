import { type Tensor, ndarray } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { expect, test } from 'vitest';
import type { Potential } from '../src/interfaces.ts';
import { potentialFlow } from '../src/samplers/potential-flow.ts';
import { SOLVERS, type SolverName } from '../src/solvers/tableaux.ts';
import { numbersOf } from './support/trees.ts';

/** Φ = ½ k‖x‖², or ½ k s‖x‖² with a clock: flows x e^(ks) and, up to s = 1, x e^(ks²/2). */
const SQUARE: Potential = {
  init: () => [],
  apply: (params, x, condition) => {
    const energy = x
      .square()
      .mul((params as { k: Tensor }).k)
      .sum(1)
      .mul(0.5);
    return condition === undefined ? energy : energy.mul(condition);
  },
};
const PARAMS = { k: ndarray(-1.3) };
const START = createStream('prior').normal([6, 2]);

test.each(Object.keys(SOLVERS) as SolverName[])('particles follow the exact flow, by %s', async (solver) => {
  const runtime = createRuntime(interpreterBackend());
  for (const [clock, end, rate] of [
    [false, 1, 1],
    [false, 1.5, 1.5],
    // Beyond 1 the clock that Φ sees stays at 1.
    [true, 1.5, 0.5 + 0.5],
  ] as const) {
    const options = { solver, end, clock, rtol: 1e-5, atol: 1e-5 };
    const { x, accepted } = await potentialFlow(runtime, SQUARE, PARAMS, START, options);
    const factor = Math.exp(Math.fround(-1.3) * rate);
    const expected = numbersOf(START).map((value) => value * factor);
    // Each step adds at most the tolerance times 1 + |x| with |x| < 4, and a contraction does not enlarge it.
    numbersOf(x).forEach((value, i) =>
      expect(Math.abs(value - (expected[i] as number))).toBeLessThan(accepted * 1e-5 * 5),
    );
  }
  expect(runtime.openSessions, 'what the flow compiled is released').toBe(0);
});

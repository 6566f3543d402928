import { topologicalOrder, trace } from '@brownian/graph';
import { afterAll, describe, expect, test } from 'vitest';
import { nodeRuntime } from '@brownian/runtime/node';
import { checkOp, checkSlopes, failures } from './check-op.ts';
import { COMPOSITE_CASES } from './composite-cases.ts';
import type { OpCase } from './op-case.ts';
import { PRIMITIVE_CASES } from './op-cases.ts';

const runtime = nodeRuntime({ threads: 1 });
afterAll(() => runtime.dispose());

function describeCases(title: string, cases: readonly OpCase[]): void {
  describe(`cases of ${title}`, () => {
    test.each(cases)('$name: values, first and second derivatives agree with the interpreter', async (op) => {
      expect(failures(await checkOp(op, runtime))).toEqual([]);
    });
    const smooth = cases.filter((op) => op.notTheSlope === undefined && op.inputs.some((x) => x.dtype === 'float32'));
    test.each(smooth)('$name: the interpreter agrees with finite differences', async (op) => {
      const comparisons = await checkSlopes(op);
      expect(comparisons.length).toBeGreaterThan(0);
      expect(failures(comparisons)).toEqual([]);
    });
  });
}

for (const [primitive, cases] of Object.entries(PRIMITIVE_CASES)) describeCases(primitive, cases);
describeCases('composed operations', COMPOSITE_CASES);

test.each(Object.entries(PRIMITIVE_CASES))('every case of %s uses it', (primitive, cases) => {
  const without = cases.filter(({ name, f, inputs }) =>
    topologicalOrder(trace(name, f, inputs).graph.outputs).every((node) => node.primitive !== primitive),
  );
  expect(without).toEqual([]);
});

test('no session is left open', () => {
  expect(runtime.openSessions).toBe(0);
});

import { type Tensor, ndarray } from '@brownian/graph';
import { createRuntime, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { ACTIVATIONS, type ActivationName } from '../../src/nets/activations.ts';
import { expectRows } from '../support/rows.ts';
import { numbersOf } from '../support/trees.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

describe('activations', () => {
  const E = Math.E;
  /** Points and values, from the definitions; Φ(1) = .841344746068543 is the normal distribution function. */
  const VALUES: Readonly<Record<ActivationName, Readonly<Record<number, number>>>> = {
    relu: { '-2': 0, 0: 0, 3: 3 },
    leakyRelu: { '-2': -0.4, 0: 0, 3: 3 },
    gelu: { '-1': -0.15865525393145707, 0: 0, 1: 0.8413447460685429 },
    silu: { '-1': -1 / (1 + E), 0: 0, 1: E / (1 + E) },
    softplus: { '-1': Math.log1p(1 / E), 0: Math.LN2, 100: 100 },
    tanh: { '-20': -1, 0: 0, 0.5: 0.46211715726000973 },
  };

  test('each has a row', () => {
    expectRows(VALUES, Object.keys(ACTIVATIONS));
  });

  test.each(Object.entries(VALUES) as [ActivationName, Record<number, number>][])(
    '%s has its values',
    async (name, values) => {
      const points = Object.keys(values).map(Number);
      const found = await runtime.compile((x: Tensor) => ACTIVATIONS[name](x))(
        ndarray(Float64Array.from(points), [points.length]),
      );
      numbersOf(found).forEach((value, i) => {
        // Elementary functions in double precision.
        expect(Math.abs(value - (values[points[i] as number] as number)), `at ${points[i]}`).toBeLessThan(1e-15);
      });
    },
  );
});

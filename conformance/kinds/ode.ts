import { type Tensor, matmul, tanh, sin } from '@brownian/graph';
import { type VectorField, solve } from 'brownian';
import { type Conform, inputOf, numberOf } from '../reference.ts';
import { runtime } from '../runtime.ts';

/** ẏ = tanh(A y) − .3 y + sin(3 t), in double precision on the runtime, by Dormand and Prince's adaptive method. */
export const conformOde: Conform = async (reference) => {
  const a = inputOf(reference, 'A');
  const y0 = inputOf(reference, 'y0');
  const slope = runtime().compile(
    (matrix: Tensor, y: Tensor, t: Tensor) =>
      tanh(matmul(matrix, y.reshape([-1, 1])).reshape(y.shape))
        .sub(y.mul(0.3))
        .add(sin(t.mul(3))),
    { name: 'ODE reference', precision: 'double', checkFinite: false },
  );
  const field: VectorField = (t, y) => slope(a, y, { dtype: 'float32', shape: [], data: Float64Array.of(t) });
  const times = [numberOf(reference, 't0'), numberOf(reference, 't1')] as const;
  const { x } = await solve(field, y0, times, { solver: 'dopri5', rtol: 1e-5, atol: 1e-5 });
  return { y1: x };
};

import { type Tensor, mapTree } from '@brownian/graph';
import type { SymbolicParams } from '../interfaces.ts';

/** Exponential moving average of parameters: decay·average + (1 − decay)·params. */
export function averageParams(average: SymbolicParams, params: SymbolicParams, decay: number): SymbolicParams {
  return mapTree<Tensor, Tensor, SymbolicParams>((a, p) => a.mul(decay).add(p.mul(1 - decay)), average, params);
}

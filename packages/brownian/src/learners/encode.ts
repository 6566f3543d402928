import { type NDArray, type Tensor, float32Data, valueAndGrad } from '@brownian/graph';
import type { Runtime, Stream } from '@brownian/runtime';
import type { Params, SymbolicParams } from '../interfaces.ts';
import type { Generator } from '../nets/labelled.ts';
import { adam } from '../optim/optimizers.ts';
import { type SymbolicState, applyUpdates } from '../optim/transform.ts';
import { block, joinColumns } from './columns.ts';
import { takeRows } from '../samplers/replay-buffer.ts';

/** Random latents among which the nearest begins each search. */
const CANDIDATES = 200;
/** Updates of a search, and their learning rate, in units of ζ. */
const UPDATES = 200;
const RATE = 0.05;
/** Weight of ‖ζ‖²/2 beside ½‖g(ζ) − x‖²: what noise of standard deviation .1 in x would ask for. */
const PRIOR = 0.01;

/** For each row of `items`, the row of `candidates` that is nearest. */
function nearestRows(items: NDArray, candidates: NDArray, known: NDArray | undefined): number[] {
  const [x, y] = [float32Data(items), float32Data(candidates)];
  const weight = known && float32Data(known);
  const [n, m] = [items.shape[0] as number, candidates.shape[0] as number];
  const size = x.length / n;
  return Array.from({ length: n }, (_, i) => {
    let [best, least] = [0, Infinity];
    for (let j = 0; j < m; j++) {
      let sum = 0;
      for (let k = 0; k < size && sum < least; k++)
        sum += (weight?.[i * size + k] ?? 1) * ((x[i * size + k] as number) - (y[j * size + k] as number)) ** 2;
      if (sum < least) [best, least] = [j, sum];
    }
    return best;
  });
}

/** What latents are searched in. */
export interface LatentSearch {
  readonly net: Generator;
  /** `n` latents with the weights of their labels behind them, `[n, dim + classes]`. */
  readonly draw: (n: number, stream: Stream) => NDArray;
  /** Items of those. */
  readonly decode: (z: NDArray) => Promise<NDArray>;
}

/**
 * Latents whose items are near to given ones, by descent of ½‖g(ζ) − x‖² + ‖ζ‖²/2·.01 with Adam, from the nearest of 200 random latents: what
 * alternating back-propagation does when it infers latents (Han et al. 2017), which generalised GCN learns its hidden space after (Eq. 20). The
 * label stays that of the nearest latent.
 *
 * @param x `[n, ...item]`
 * @param known 1 where x counts, 0 where it is missing, shaped like x; default: all of it counts
 * @returns `[n, dim + classes]`
 */
export async function encodeItems(
  runtime: Runtime,
  params: Params,
  x: NDArray,
  { net, draw, decode }: LatentSearch,
  stream: Stream,
  known?: NDArray,
): Promise<NDArray> {
  const candidates = draw(CANDIDATES, stream);
  const start = takeRows(candidates, nearestRows(x, await decode(candidates), known));
  const [n, length] = start.shape as readonly [number, number];
  const [dim] = net.inputShape as readonly [number];
  const rule = adam(RATE);
  const cut = (from: number, end: number): NDArray => block(start, [0, n], from, end);
  const weights = length === dim ? [] : [cut(dim, length)];
  const update = runtime.compile(
    (
      xi: SymbolicParams,
      z: Tensor,
      state: SymbolicState,
      at: { x: Tensor; weights: readonly Tensor[]; known: readonly Tensor[] },
    ) => {
      const [, gradient] = valueAndGrad((latents: Tensor) => {
        const squares = net.blend(xi, latents, at.weights[0]).sub(at.x).square();
        const apart = (at.known[0] === undefined ? squares : squares.mul(at.known[0])).sum();
        return apart.add(latents.square().sum().mul(PRIOR)).mul(0.5);
      })(z);
      const [updates, next] = rule.update(gradient, state, z);
      return { z: applyUpdates(z, updates) as Tensor, state: next };
    },
    { name: 'latent search', frozen: [0] },
  );
  try {
    let z = cut(0, dim);
    let state = rule.init(z);
    for (let i = 0; i < UPDATES; i++) {
      const found = await update(params, z, state, { x, weights, known: known ? [known] : [] });
      ({ z, state } = found);
    }
    return joinColumns(z, weights[0]);
  } finally {
    await update.dispose();
  }
}

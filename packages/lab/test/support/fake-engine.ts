import { type NDArray, type Tree, float32Data, ndarray } from '@brownian/graph';
import { NonFiniteError, type Stream, type StreamState } from '@brownian/runtime';
import type { Batch, Learner, Metrics } from 'brownian';
import type { RunConfig } from '../../src/config/run-config.ts';
import type { Engine } from '../../src/engine.ts';

type FakeState = {
  readonly params: { readonly layers: readonly { readonly weight: NDArray }[]; readonly bias: NDArray };
  readonly particles: NDArray;
  readonly steps: NDArray;
  readonly seen: NDArray;
  readonly big: NDArray;
};

/** What a fake does besides learning nothing. */
export interface FakeBehaviour {
  /** Called before each step with the number of steps done in this session. */
  readonly onStep?: (step: number) => void;
  /** Whether a result is not finite in an iteration, from 1, given where its draws come from. */
  readonly diverges?: (iteration: number, stream: StreamState) => boolean;
}

/**
 * A learner without a net: its numbers depend on every draw, every batch and all that came before, so any mistake in a
 * resumed run shows in all of them. Its state has every type of array that a checkpoint can hold.
 */
export function fakeLearner(config: RunConfig, itemShape: readonly number[], behaviour: FakeBehaviour = {}): Learner {
  let session = 0;
  const particlesShape = [config.batchSize, ...itemShape];
  const mix = (array: NDArray, by: number): NDArray =>
    ndarray(
      float32Data(array).map((value) => Math.sin(value + by)),
      array.shape,
    );
  return {
    name: 'fake',
    init(key: Stream) {
      const state: FakeState = {
        params: { layers: [{ weight: key.normal([3, 2]) }, { weight: key.normal([2]) }], bias: key.normal([]) },
        particles: key.uniform(particlesShape, -1, 1),
        steps: ndarray(Int32Array.of(0)),
        seen: ndarray(Uint8Array.of(0, 1, 0)),
        big: ndarray(BigInt64Array.of(2n ** 60n)),
      };
      return Promise.resolve(state);
    },
    step(given, batch: Batch, draw: Stream): Promise<[Tree<NDArray>, Metrics]> {
      const state = given as FakeState;
      behaviour.onStep?.(session);
      session += 1;
      const iteration = Number(state.steps.data[0]) + 1;
      if (behaviour.diverges?.(iteration, draw.state()) === true)
        throw new NonFiniteError('fake update', 'params.bias', NaN, 0, 1);
      const pixel = float32Data(batch.x).reduce((sum, value, i) => sum + value * ((i % 7) + 1), 0);
      const noise = draw.normal([5]).data as Float32Array;
      const by = pixel + (noise[iteration % 5] ?? 0) + draw.next() + Number(draw.integers([1], 0, 9).data[0]);
      const next: FakeState = {
        params: {
          layers: state.params.layers.map(({ weight }) => ({ weight: mix(weight, by) })),
          bias: mix(state.params.bias, by),
        },
        // A map that drives neighbours apart: particles that met would be taken for a collapse.
        particles: mix(
          ndarray(
            float32Data(state.particles).map((value) => 37 * value),
            particlesShape,
          ),
          by,
        ),
        steps: ndarray(Int32Array.of(iteration)),
        seen: state.seen,
        big: ndarray(BigInt64Array.of((state.big.data[0] as bigint) + 1n)),
      };
      const metrics = {
        responseDistance: 1 / iteration,
        potentialData: 2 + Math.sin(by),
        potentialParticles: -2 + Math.cos(by),
        parameterGradientNorm: Math.exp(Math.sin(by) * 3),
        gradientNorm: 3,
        loss: by,
      };
      return Promise.resolve([next, metrics]);
    },
    sample: (_state, n, draw) => Promise.resolve(draw.uniform([n, ...itemShape], -1, 1)),
    trajectory: (_state, n, draw, moments) =>
      Promise.resolve(
        Array.from({ length: Math.min(moments, 6) }, (_, i) => ({
          steps: i * i,
          particles: draw.uniform([n, ...itemShape], -1, 1),
          metrics: { potentialParticles: i, energy: 9 - i, gradientNorm: 3 / (i + 1) },
        })),
      ),
    particles: (state) => (state as FakeState).particles,
    dispose: () => Promise.resolve(),
  };
}

/** An engine of fake learners; runs are not scored. */
export function fakeEngine(behaviour: FakeBehaviour = {}): Engine {
  return {
    open: (config, itemShape) => ({
      learner: fakeLearner(config, itemShape, behaviour),
      runtime: 'fake runtime',
      close: () => Promise.resolve(),
    }),
  };
}

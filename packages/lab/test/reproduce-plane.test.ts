import { float32Data } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { createLearner, toyDataset } from 'brownian';
import { expect, it, onTestFinished } from 'vitest';
import { resolveConfig } from '../src/config/settings.ts';
import { CLOCKS, homotopyMoments } from '../src/reproduce/homotopy-moments.ts';
import { refusal, reproduced } from './support/reproduced.ts';

it.each(['8-gaussians', 'checkerboard'])(
  'vapo-2d: %s by a model, with the potential and particles over the homotopy',
  async (name) => {
    const models = ['--models', 'vapo@2', '--data', name, '--samples', '100'];
    const { cells, page } = await reproduced(['vapo-2d', ...models]);
    expect(cells).toHaveLength(1);
    // Samples, the potential and five clocks.
    expect(page.match(/data:image\/png/g)?.length).toBe(7);
    expect(page).toContain(`${name}, vapo@2`);
    expect(page).toContain('Density along the homotopy');
    for (const { measures, pictures, curves } of cells) {
      expect(curves['loss']).toHaveLength(2);
      expect(measures['distance']).toBeGreaterThan(0);
      // Particles begin as draws of the prior, as near to the homotopy as exact points are; two iterations teach no flow to the data.
      expect(measures['way 0']).toBeLessThan(3 * (measures['exactWay 0'] as number));
      expect(measures['way 1']).toBeGreaterThan(2 * (measures['exactWay 1'] as number));
      expect(Object.keys(pictures)).toEqual(['samples', 'potential', ...CLOCKS.map((clock) => `s = ${clock}`)]);
    }
  },
);

it('vapo-2d refuses models that it does not know', async () => {
  expect(await refusal(['vapo-2d', '--models', 'ddpm'])).toContain(
    '--models has "ddpm"; it takes vapo, gcn, wgcn, eieg, with a number of iterations',
  );
});

it('exact points of the homotopy have its mean and its variance at each clock', async () => {
  const runtime = nodeRuntime({ threads: 1 });
  onTestFinished(() => runtime.dispose());
  const data = toyDataset('8-gaussians', createStream(1).split('data'), 100);
  const config = resolveConfig({ data: '8-gaussians', model: 'vapo', iterations: 1 }, data);
  const learner = createLearner(runtime, 'vapo', config as never, [2]);
  onTestFinished(() => learner.dispose());
  const state = await learner.init(createStream(1), data);
  const bench = { runtime, threads: 1, stop: new AbortController().signal } as never;
  const at = { learner, state, config, stream: createStream(2) } as never;
  const n = 1000;
  const moments = await homotopyMoments(bench, '8-gaussians', at, n);
  const squares = (x: Float32Array): number => x.reduce((sum, value) => sum + value ** 2 / x.length, 0);
  const last = moments?.at(-1);
  const { priorStd, dataStd, epsilon } = (config as { path: { priorStd: number; dataStd: number; epsilon: number } })
    .path;
  // E x² of each coordinate is Σ + a² E x̄², where E x̄² follows from the end of the path.
  const part = (clock: number): { a: number; variance: number } => {
    const t = Math.max(0, Math.exp(Math.log(epsilon) + clock * Math.log((1 + epsilon) / epsilon)) - epsilon);
    const scale = dataStd ** 2 + t * priorStd ** 2;
    return { a: (t * priorStd ** 2) / scale, variance: (dataStd * priorStd) ** 2 / scale };
  };
  const end = part(1);
  const spread = (squares(float32Data(last!.exact)) - end.variance) / end.a ** 2;
  expect(moments?.map(({ clock }) => clock)).toEqual(CLOCKS);
  for (const { clock, exact } of moments ?? []) {
    const { a, variance } = part(clock);
    const expected = variance + a ** 2 * spread;
    // Four standard errors of a mean of 2n squares of normal draws, at most.
    expect(Math.abs(squares(float32Data(exact)) - expected)).toBeLessThan(
      (4 * Math.SQRT2 * expected) / Math.sqrt(2 * n),
    );
  }
});

/**
 * The two ways to differentiate VAPO's loss, in turns: `node --conditions=source --import tsx bench/vapo-forms.ts [rounds] [net]`. Prints a
 * table of the processor time of a whole training step (loss, gradient, Adam, average) by the directional pass over that by double backprop.
 */
import type { NDArray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { MODELS, type VariationalLearnerOptions, createVariationalLearner } from 'brownian';
import { quantile } from './measure.ts';

type Options = VariationalLearnerOptions;

interface Row {
  readonly title: string;
  readonly batch: number;
  readonly itemShape: readonly number[];
  readonly potential: Partial<Options['potential']>;
  /** Steps of a turn, so that turns take about as long. */
  readonly steps: number;
}

const ROWS: readonly Row[] = [
  { title: 'mlp 128-128-128 with a clock', batch: 512, itemShape: [2], potential: {}, steps: 60 },
  { title: 'conv 32-64-128', batch: 64, itemShape: [1, 28, 28], potential: {}, steps: 3 },
  {
    title: 'wide-resnet 64-128-256',
    batch: 16,
    itemShape: [3, 32, 32],
    potential: { net: 'wide-resnet', channels: [64, 128, 256], blocks: 2, hidden: 0 },
    steps: 1,
  },
];
const FORMS = ['double-backprop', 'directional'] as const;
const [ROUNDS, ONLY] = [Number(process.argv[2] ?? 10), process.argv[3] ?? ''];

/** Milliseconds of all threads. */
async function processorTime(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function measureRow(
  { title, batch, itemShape, potential, steps }: Row,
  estimator: Options['flow']['estimator'],
): Promise<string> {
  const runtime = nodeRuntime({ threads: 1 });
  const draw = createStream('vapo forms');
  const x: NDArray = draw.normal([batch, ...itemShape]);
  const data = { name: 'noise', itemShape, size: batch, batch: () => Promise.resolve({ x }) };
  const contenders = await Promise.all(
    FORMS.map(async (penalty) => {
      const defaults = MODELS.vapo.defaults(itemShape);
      const options = {
        ...defaults,
        potential: { ...defaults.potential, ...potential },
        flow: { ...defaults.flow, estimator, penalty },
        preview: { particles: 1, steps: 50 },
      };
      const learner = createVariationalLearner(runtime, 'vapo', options, itemShape);
      let state = await learner.init(createStream('params'), data);
      const step = async (): Promise<void> => {
        [state] = await learner.step(state, { x }, draw);
      };
      await step();
      await step();
      return { step, dispose: () => learner.dispose() };
    }),
  );
  const times: number[][] = FORMS.map(() => []);
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, { step }] of contenders.entries()) {
      const spent = await processorTime(async () => {
        for (let k = 0; k < steps; k++) await step();
      });
      times[i]?.push(spent / steps);
    }
  await Promise.all(contenders.map(({ dispose }) => dispose()));
  await runtime.dispose();
  const [double = [], directional = []] = times;
  const ratios = directional.map((time, i) => time / (double[i] as number));
  const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantile(ratios, q).toFixed(2));
  const [a, b] = [double, directional].map((values) => quantile(values, 0.5).toPrecision(3));
  return `| ${title}, ${batch}×${itemShape.join('×')} | ${estimator} | ${a} | ${b} | ${middle} (${low}-${high}) |`;
}

console.log('| step | estimator | double backprop, ms | directional, ms | ratio (quartiles) |');
for (const row of ROWS.filter(({ title }) => title.startsWith(ONLY)))
  for (const estimator of ['stein', 'covariance'] as const) console.log(await measureRow(row, estimator));

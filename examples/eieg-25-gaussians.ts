import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import {
  ACTIVATIONS,
  type Modes,
  TOY_DISTRIBUTIONS,
  adam,
  adversarialLearner,
  cosineDecay,
  elasticFlow,
  mlp,
  modeCoverage,
  toyDataset,
} from 'brownian';

// The elastic generator (EIEG GAN, Eq. 7) on 25 Gaussians: node --conditions=source --import tsx examples/eieg-25-gaussians.ts [iterations]
const iterations = Number(process.argv[2] ?? 60_000);
const BATCH = 256;
const runtime = nodeRuntime({ threads: 1 });
const toy = TOY_DISTRIBUTIONS['25-gaussians'];
const learner = adversarialLearner(runtime, {
  name: 'EIEG',
  flow: elasticFlow({ dimension: 2, cutoff: 0.1 }),
  generator: {
    net: mlp({ widths: [100, 50], output: [2], activation: ACTIVATIONS.leakyRelu })([2]),
    optimizer: adam(cosineDecay(1e-2, iterations)),
  },
  batch: BATCH,
  ema: 0,
});
const key = createStream(1);
const [points, draw] = [key.split('data'), key.split('draw')];
let state = await learner.init(key.split('init'), toyDataset('25-gaussians', key.split('facts'), BATCH));
const start = performance.now();
for (let i = 0; i < iterations; i++) [state] = await learner.step(state, { x: toy.sample(points, BATCH) }, draw);
const seconds = ((performance.now() - start) / 1000).toFixed(1);
const samples = await learner.sample(state, 10_000, key.split('samples'));
const { counts, share } = modeCoverage(samples, toy.modes as Modes);
const covered = counts.filter((count) => count >= 20).length;
console.log(`${iterations} iterations in ${seconds} s: ${covered} of 25 modes, ${(100 * share).toFixed(1)} % near`);
console.log(`samples near each mode: ${counts.join(' ')}`);
await learner.dispose();
await runtime.dispose();

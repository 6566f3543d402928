import { setTimeout } from 'node:timers/promises';
import { inEnvironment } from './peers/best-of.ts';
import { type Running, type Startable, start } from './peers/contender.ts';
import { quantile } from './measure.ts';
import type { Workload } from './workload.ts';

/** What a contender's fresh process needs to know: how to start, and what tuning chose for it. */
export interface Fresh {
  readonly name: string;
  readonly launch: Startable;
  readonly format?: string | undefined;
  readonly environment?: string | undefined;
}

async function ready({ name, launch, format, environment }: Fresh, workload: Workload, file: string): Promise<Running> {
  const running = await start(name, inEnvironment(launch, environment));
  await running.ask('prepare', { workload: workload.name, settings: workload.settings, file, tune: false, format });
  return running;
}

const STEPS = 5;

/** Peak resident memory in bytes of a process of its own that makes five steps. */
export async function peakMemory(fresh: Fresh, workload: Workload, file: string): Promise<number> {
  const running = await ready(fresh, workload, file);
  await running.ask('run', { steps: STEPS, warm: 0 });
  const { peak } = await running.ask('memory', {});
  await running.close();
  return peak;
}

/** Milliseconds from the start of a process to the end of its first step, the median of `rounds`. */
export async function startUp(fresh: Fresh, workload: Workload, file: string, rounds: number): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await setTimeout(100);
    const begin = performance.now();
    const running = await ready(fresh, workload, file);
    await running.ask('run', { steps: 1, warm: 0 });
    times.push(performance.now() - begin);
    await running.close();
  }
  return quantile(times, 0.5);
}

import { setTimeout } from 'node:timers/promises';
import { PatienceError, type Running } from './peers/contender.ts';
import type { Replies } from './peers/serve.ts';
import type { Workload } from './workload.ts';

/** What one contender did on one workload. */
export interface Line {
  /** Median over steps, milliseconds. */
  readonly time?: number;
  /** Quartiles over steps, milliseconds. */
  readonly spread?: readonly [number, number];
  /** Why there is no time. */
  readonly unsupported?: string;
  readonly format?: string | undefined;
  readonly environment?: string | undefined;
  readonly flops?: number;
}

/** One workload, by contender. */
export type Lines = Readonly<Record<string, Line>>;

/** How long one turn should be: long beside the pause, short beside what else the machine does. */
const TURN = 500;
/** Pause between turns: ONNX Runtime's and OpenMP's idle threads go on spinning for some milliseconds. */
const PAUSE = 100;
const MOST_STEPS = 200;
const FEWEST_ROUNDS = 3;
/** Calls slower than this are timed once. */
const SLOW = 10_000;

/** Linear interpolation between order statistics. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)] as number, sorted[Math.ceil(at)] as number];
  return low + (high - low) * (at - Math.floor(at));
}

function failure(error: unknown): string {
  return `failed: ${(error as Error).message.split('\n')[0]}`;
}

async function prepare(
  running: Running,
  { name: workload, settings }: Workload,
  file: string,
  patience: number,
): Promise<Replies['prepare']> {
  try {
    return await running.ask('prepare', { workload, settings, file, tune: true }, patience);
  } catch (error) {
    if (error instanceof PatienceError) return { unsupported: `> ${patience} s` };
    return { unsupported: failure(error) };
  }
}

/**
 * Measures one workload with every contender, in turns: A B C A B C … Each turn begins with an untimed step.
 *
 * @param contenders Brownian first: it writes the arrays that the others read
 */
export async function measure(
  workload: Workload,
  contenders: ReadonlyMap<string, Running>,
  file: string,
  { rounds, seconds, patience }: { readonly rounds: number; readonly seconds: number; readonly patience: number },
): Promise<Lines> {
  const prepared = new Map<string, Replies['prepare']>();
  for (const [name, running] of contenders) prepared.set(name, await prepare(running, workload, file, patience));
  const times = new Map<string, number[]>([...contenders.keys()].map((name) => [name, []]));
  const end = performance.now() + seconds * 1000;
  for (let round = 0; round < rounds && (round < FEWEST_ROUNDS || performance.now() < end); round++) {
    for (const [name, running] of contenders) {
      const { unsupported, estimate = TURN } = prepared.get(name) ?? {};
      if (unsupported !== undefined || (estimate > SLOW && round > 0)) continue;
      await setTimeout(PAUSE);
      const steps = Math.max(1, Math.min(MOST_STEPS, Math.round(TURN / estimate)));
      try {
        const turn = await running.ask('run', { steps, warm: estimate > TURN ? 0 : 1 });
        times.get(name)?.push(...turn.times);
      } catch (error) {
        prepared.set(name, { unsupported: failure(error) });
      }
    }
  }
  const repeats = workload.repeats ?? 1;
  return Object.fromEntries(
    [...prepared].map(([name, { unsupported, format, environment, flops }]): [string, Line] => {
      if (unsupported !== undefined) return [name, { unsupported }];
      const all = (times.get(name) ?? []).map((time) => time / repeats);
      return [
        name,
        {
          time: quantile(all, 0.5),
          spread: [quantile(all, 0.25), quantile(all, 0.75)],
          format,
          environment,
          ...(flops !== undefined && { flops: flops / repeats }),
        },
      ];
    }),
  );
}

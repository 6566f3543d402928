import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/**
 * The protocol between the benchmark and what it measures: every contender is a child process that answers each line of JSON on
 * its standard input with one on its standard output. After starting it says `{ ready: "name and version" }`.
 */
export interface Requests {
  /** Makes a workload ready, replacing the last one. `tune`: try what can be chosen (memory formats) and keep the faster. */
  prepare: {
    readonly workload: string;
    readonly settings: Readonly<Record<string, number | readonly number[]>>;
    /** The arrays of the workload, in the form of exchange.ts: Brownian's process writes them, its peers read them. */
    readonly file: string;
    readonly tune: boolean;
    readonly format?: string | undefined;
  };
  /** `warm` untimed steps, then `steps` timed ones. */
  run: { readonly steps: number; readonly warm: number };
  /** One step from the file's arrays with the recorded `draws`; results go to `out`. Brownian's process writes both files. */
  check: { readonly draws: string; readonly out: string };
  /** Peak resident memory of the process so far. */
  memory: object;
  /** The machine's own speed: one 1024³ MatMul in ONNX Runtime, GFLOP/s. Brownian's process only. */
  peak: object;
}

/** Answers, by request. */
export interface Replies {
  prepare: {
    /** Why this contender cannot do it, in a few words. */
    readonly unsupported?: string;
    /** The memory format that tuning chose. */
    readonly format?: string | undefined;
    /** The environment that tuning chose, if not the plain one. */
    readonly environment?: string | undefined;
    /** Milliseconds that one call took last. */
    readonly estimate?: number | undefined;
    /** FLOPs of one call in convolutions and matmuls. */
    readonly flops?: number;
  };
  run: { readonly times: readonly number[] };
  /** rms tolerance by result, where Brownian's process answers. */
  check: { readonly tolerances?: Readonly<Record<string, number>> };
  memory: { readonly peak: number };
  peak: { readonly gflops: number };
}

/** The name of a request. */
export type Command = keyof Requests;
/** What a contender in TypeScript implements; a request it lacks is an error. */
export type Handlers = { [C in Command]?: (request: Requests[C]) => Promise<Replies[C]> };

/** Milliseconds that `step` takes. */
export async function milliseconds(step: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await step();
  return performance.now() - start;
}

/** The answer to `run`: times of `steps` calls after `warm` others. */
export async function timed(step: () => Promise<unknown>, { steps, warm }: Requests['run']): Promise<Replies['run']> {
  for (let i = 0; i < warm; i++) await step();
  const times: number[] = [];
  for (let i = 0; i < steps; i++) times.push(await milliseconds(step));
  return { times };
}

/** Peak resident memory in bytes. /proc knows this program alone; maxRSS may include who started it. */
export function peakBytes(): number {
  try {
    const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}

/** Answers requests until standard input ends. What a library prints goes to standard error. */
export async function serve(name: string, handlers: Handlers): Promise<void> {
  const answer = (reply: object): void => void process.stdout.write(`${JSON.stringify(reply)}\n`);
  console.log = console.error;
  console.info = console.error;
  answer({ ready: name });
  for await (const line of createInterface({ input: process.stdin })) {
    const { cmd, ...request } = JSON.parse(line) as { cmd: Command };
    const handler = handlers[cmd] as ((request: unknown) => Promise<object>) | undefined;
    try {
      if (handler === undefined) throw new TypeError(`${name} does not answer "${cmd}".`);
      answer(await handler(request));
    } catch (error) {
      answer({ error: error instanceof Error ? error.message : String(error) });
    }
  }
}

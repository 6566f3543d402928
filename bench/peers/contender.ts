import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import type { Command, Replies, Requests } from './serve.ts';

/** How to start a contender, or why it cannot be and what would help. */
export type Launch = Startable | { readonly missing: string };

/** A launch that can be started. */
export interface Startable {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** Environments, by name, of which each workload is to be run in the faster; `environment` is one more, without a name. */
  readonly choices?: Readonly<Record<string, NodeJS.ProcessEnv>>;
}

/** Something the benchmark can measure. */
export interface Contender {
  readonly name: string;
  launch(threads: number): Promise<Launch>;
}

/** A contender did not answer in the time it was given; its process was ended. */
export class PatienceError extends Error {
  override readonly name = 'PatienceError';
}

/** A running contender. */
export interface Running {
  /** Name and version. */
  readonly version: string;
  /** @param patience seconds to wait; then the process is ended, and the next request starts another */
  ask<C extends Command>(command: C, request: Requests[C], patience?: number): Promise<Replies[C]>;
  close(): Promise<void>;
}

/** One process and its next line of output. */
interface Connection {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<never>;
  readonly version: string;
  reply(): Promise<object>;
}

const TAIL = 2000;

async function connect(name: string, launch: Startable): Promise<Connection> {
  const child = spawn(launch.command, launch.arguments, { env: launch.environment });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-TAIL)));
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`${name} ended (${signal ?? code}). ${complaints.trim()}`)));
  });
  ended.catch(() => undefined); // it also ends when it is closed
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const reply = async (): Promise<object> => {
    const { value, done } = await Promise.race([lines.next(), ended]);
    return done === true ? await ended : (JSON.parse(value) as object);
  };
  const { ready } = (await reply()) as { ready: string };
  return { child, ended, version: ready, reply };
}

/** Starts a contender's process and waits until it is ready. @throws Error with the end of what it printed */
export async function start(name: string, launch: Startable): Promise<Running> {
  let connection = await connect(name, launch);
  let gaveUp = false;
  const end = async (): Promise<void> => {
    connection.child.stdin.end();
    await connection.ended.catch(() => undefined);
  };
  return {
    version: connection.version,
    ask: async (command, request, patience) => {
      if (gaveUp) connection = await connect(name, launch);
      gaveUp = false;
      connection.child.stdin.write(`${JSON.stringify({ cmd: command, ...request })}\n`);
      const stop = new AbortController();
      const late =
        patience === undefined
          ? []
          : [setTimeout(patience * 1000, undefined, { signal: stop.signal }).catch(() => undefined)];
      const answer = await Promise.race([connection.reply(), ...late]);
      stop.abort();
      if (answer === undefined) {
        gaveUp = true;
        connection.child.kill('SIGKILL');
        await end();
        throw new PatienceError(`${name} did not answer within ${patience} s.`);
      }
      if ('error' in answer) throw new Error(`${name}: ${String(answer.error)}`);
      return answer as never;
    },
    close: end,
  };
}

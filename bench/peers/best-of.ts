import { type Running, type Startable, start } from './contender.ts';
import type { Replies, Requests } from './serve.ts';

/** A launch in the environment of this name among its choices; without a name, in its plain one. */
export function inEnvironment({ choices = {}, ...launch }: Startable, name?: string): Startable {
  const chosen = name === undefined ? undefined : choices[name];
  return chosen === undefined ? launch : { ...launch, environment: chosen };
}

/**
 * Starts a contender once per environment it may be run in. A workload that is tuned is prepared in all, and goes on in the one
 * where it was fastest; the answer says which.
 */
export async function startBest(name: string, launch: Startable): Promise<Running> {
  const plain = await start(name, inEnvironment(launch));
  const others = new Map<string, Running>();
  for (const choice of Object.keys(launch.choices ?? {}))
    others.set(choice, await start(name, inEnvironment(launch, choice)));
  if (others.size === 0) return plain;
  let current = plain;
  return {
    version: plain.version,
    ask: async (command, request, patience) => {
      if (command !== 'prepare') return current.ask(command, request, patience);
      const prepare = (running: Running): Promise<Replies['prepare']> =>
        running.ask('prepare', request as Requests['prepare'], patience);
      current = plain;
      let best = await prepare(plain);
      if (!('tune' in request && request.tune)) return best as never;
      for (const [environment, running] of others) {
        const answer = await prepare(running);
        if ((answer.estimate ?? Infinity) >= (best.estimate ?? Infinity)) continue;
        best = { ...answer, environment };
        current = running;
      }
      return best as never;
    },
    close: async () => {
      await Promise.all([plain, ...others.values()].map((running) => running.close()));
    },
  };
}

import { readArrays, writeArrays } from '../../exchange.ts';
import { milliseconds, peakBytes, serve, timed } from '../serve.ts';
import type { Ops } from './ops.ts';
import { type Given, type Settings, type Twin, UnsupportedError } from './twin.ts';
import { dcganDiscriminator, eiegDiscriminator, eiegGenerator, mlpGenerator } from './twins-gan.ts';
import { pointLangevin, vggLangevin } from './twins-langevin.ts';
import { wgcn } from './twins-wgcn.ts';

type MakeTwin = <T>(ops: Ops<T>, given: Given, settings: Settings) => Twin;

/** The workloads that are written for these libraries. */
const TWINS: Readonly<Record<string, MakeTwin>> = {
  'vgg-langevin-64': vggLangevin,
  'vgg-langevin-224': vggLangevin,
  'wgcn-mnist': wgcn,
  'wgcn-32': wgcn,
  'eieg-d': eiegDiscriminator,
  'eieg-g': eiegGenerator,
  'dcgan-d': dcganDiscriminator,
  'mlp-generator': mlpGenerator,
  'point-langevin': pointLangevin,
};

/** What a library says when it lacks something, in few words. */
function reason(error: unknown): string {
  const { message } = error as Error;
  if (error instanceof UnsupportedError) return message;
  const kernel = /Kernel '(\w+)' not registered/.exec(message)?.[1];
  if (kernel === 'Conv2DBackpropFilter') return 'no filter gradients';
  if (kernel !== undefined) return `no ${kernel}`;
  return `fails: ${message.split('\n')[0]}`;
}

/** A first step of more milliseconds than this is not repeated to warm up. */
const SLOW = 10_000;

/** Answers the benchmark's requests with a library's twins. */
export async function serveTwins<T>(name: string, ops: Ops<T>): Promise<void> {
  let twin: Twin | undefined;
  const ready = (): Twin => {
    if (twin === undefined) throw new Error('Nothing is prepared.');
    return twin;
  };
  await serve(name, {
    prepare: async ({ workload, settings, file, tune }) => {
      const make = TWINS[workload];
      if (make === undefined) return { unsupported: 'not written' };
      try {
        twin = make(ops, readArrays(file), settings);
        if (!tune) return {};
        const first = await milliseconds(() => ready().step());
        return { estimate: first > SLOW ? first : await milliseconds(() => ready().step()) };
      } catch (error) {
        return { unsupported: reason(error) };
      }
    },
    run: (request) => timed(() => ready().step(), request),
    check: async ({ draws, out }) => {
      writeArrays(out, await ready().check([...readArrays(draws).values()]));
      return {};
    },
    memory: () => Promise.resolve({ peak: peakBytes() }),
  });
}

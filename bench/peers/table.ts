import { bundle } from '../bundle.ts';
import type { Contender } from './contender.ts';
import { havePeers, installCommand } from './js/modules.ts';
import { torch } from './torch.ts';

/** Brownian itself. */
export const brownian: Contender = {
  name: 'Brownian',
  launch: async (threads) => ({
    command: process.execPath,
    arguments: [await bundle('peers/brownian'), String(threads)],
    environment: process.env,
  }),
};

/** A library for JavaScript, in a Node process of its own. */
function library(name: string, entry: string, modules: readonly string[], ...choice: readonly string[]): Contender {
  return {
    name,
    launch: async (threads) => {
      if (!havePeers(...modules)) return { missing: `it is not installed: ${installCommand(...modules)}` };
      return {
        command: process.execPath,
        arguments: [await bundle(`peers/js/${entry}`), ...choice, String(threads)],
        environment: process.env,
      };
    },
  };
}

const TFJS = ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm'] as const;

/** Every peer by the name that `--peers` takes. */
export const PEERS: Readonly<Record<string, Contender>> = {
  torch,
  'jax-js': library('jax-js', 'jax', ['@jax-js/jax']),
  'tfjs-wasm': library('tfjs WASM', 'tfjs', TFJS, 'wasm'),
  'tfjs-cpu': library('tfjs CPU', 'tfjs', TFJS, 'cpu'),
};

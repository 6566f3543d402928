import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Contender } from './contender.ts';

const run = promisify(execFile);

/** OpenBLAS is faster when it finds out the processor by itself. */
function environment(): NodeJS.ProcessEnv {
  const { OPENBLAS_CORETYPE: _core, OPENBLAS_L2_SIZE: _cache, ...rest } = process.env;
  return rest;
}

/** The first Python that has PyTorch. */
async function findPython(): Promise<string | undefined> {
  for (const python of [process.env['PYTHON'] ?? 'python3', '/usr/bin/python3']) {
    try {
      await run(python, ['-c', 'import torch'], { env: environment() });
      return python;
    } catch {
      // No such Python, or one without PyTorch.
    }
  }
  return undefined;
}

const PASSIVE = 'OMP_WAIT_POLICY=PASSIVE';

/** PyTorch, eager, on the CPU. */
export const torch: Contender = {
  name: 'PyTorch',
  launch: async (threads) => {
    const python = await findPython();
    if (python === undefined) {
      return {
        missing:
          'no Python here has it. Debian: apt-get install python3-torch libopenblas0-pthread; else pip install torch, and PYTHON=…',
      };
    }
    const script = fileURLToPath(new URL('torch_peer.py', import.meta.url));
    return {
      command: python,
      arguments: [script, String(threads)],
      environment: environment(),
      // OpenMP's waiting threads spin, which takes the cores from OpenBLAS' own: a DCGAN generator step takes up to 1.8 times
      // as long. Where convolutions do without OpenBLAS, spinning is a few percent faster.
      choices: { [PASSIVE]: { ...environment(), OMP_WAIT_POLICY: 'PASSIVE' } },
    };
  },
};

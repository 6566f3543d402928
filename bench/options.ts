import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface Options {
  readonly only: readonly string[];
  readonly peers: readonly string[] | undefined;
  readonly rounds: number;
  readonly seconds: number;
  readonly patience: number;
  readonly threads: number;
  readonly quick: boolean;
  readonly json: boolean;
  readonly verify: boolean;
  readonly list: boolean;
  readonly profile: boolean;
  readonly help: boolean;
}

export const HELP = `npm run bench -- [options]

Measures Brownian beside PyTorch, jax-js and tfjs where they are installed: the same shapes and threads, warm, in turns.

  --only NAME[,NAME]   these workloads only (parts of their names)
  --peers NAME[,NAME]  these peers only: torch, jax-js, tfjs-wasm, tfjs-cpu; "none" for none
  --rounds N           turns of each contender per workload (default 7)
  --seconds N          time limit per workload; at least 3 rounds are made (default 60)
  --patience N         seconds for a contender to warm up on a workload before it is given up (default 150)
  --threads N          threads of each contender (default 2)
  --quick              without memory and start-up, which take fresh processes
  --verify             compare one step from the same state with PyTorch's instead of timing
  --profile            where Brownian's time goes, by operator and shape, instead of the table
  --list               names of the workloads
  --json               results as JSON
  --help
`;

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new RangeError(`--${name} takes a number above 0, got "${text}".`);
  return value;
}

function names(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(',').map((name) => name.trim());
}

/** Reads the command line. @throws Error on an option that does not exist or a value that is not a number */
export function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string' },
      peers: { type: 'string' },
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '60' },
      patience: { type: 'string', default: '150' },
      threads: { type: 'string', default: '2' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      verify: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    ...values,
    only: names(values.only),
    peers: values.peers === undefined ? undefined : names(values.peers),
    rounds: Math.round(positive('rounds', values.rounds)),
    seconds: positive('seconds', values.seconds),
    patience: positive('patience', values.patience),
    threads: Math.round(positive('threads', values.threads)),
  };
}

import { main } from '../../src/cli.ts';
import type { Engine } from '../../src/engine.ts';
import { fakeEngine } from './fake-engine.ts';

/** What a command printed, and its exit code. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command in this process, without a terminal; `answer` is what the user says when asked. */
export async function brownian(
  argv: readonly string[],
  engine: Engine = fakeEngine(),
  answer?: string,
): Promise<Ended> {
  let out = '';
  let err = '';
  const terminal = {
    out: (text: string): void => void (out += text),
    err: (text: string): void => void (err += text),
    bar: null,
    ask: answer === undefined ? null : (): Promise<string> => Promise.resolve(answer),
  };
  const code = await main(argv, engine, terminal);
  return { code, out, err };
}

/** Whether a text is one sentence on one line, as errors are, and no stack. */
export function isOneSentence(text: string): boolean {
  return /^brownian: [^\n]+[.?!)]\n$|^brownian: [^\n]+: [^\n]+\n$/.test(text) && !/\n\s+at /.test(text);
}

import { createInterface } from 'node:readline/promises';
import { UserError } from '../errors.ts';

/** What the command prints, and where: tests collect it. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** The stream to draw a progress bar on, when there is a person to see it. */
  readonly bar: NodeJS.WriteStream | null;
  /** Asks for a line of text; null when there is nobody to answer. */
  readonly ask: ((question: string) => Promise<string>) | null;
}

/** The terminal of this process. */
export const PROCESS_TERMINAL: Terminal = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  bar: process.stderr.isTTY ? process.stderr : null,
  ask: process.stdin.isTTY ? askTerminal : null,
};

async function askTerminal(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

/** Asks a question; anything but yes is no. @throws UserError when there is nobody to answer. */
export async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  if (terminal.ask === null)
    throw new UserError(`There is nobody to answer "${question}"; give --yes to go ahead without asking.`);
  const answer = await terminal.ask(`${question} [y/N] `);
  return /^y(es)?$/i.test(answer.trim());
}

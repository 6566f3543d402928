import type { Command, CommanderError } from 'commander';
import { nearest } from '../config/suggest.ts';

/** The command that words of a command line lead to, such as `brownian runs compare`. */
function commandOf(program: Command, argv: readonly string[]): Command {
  let command = program;
  for (const word of argv) {
    const inner = command.commands.find((other) => other.name() === word);
    if (inner !== undefined) command = inner;
  }
  return command;
}

/** Its name with those of the commands that it belongs to. */
function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

/** Its flags in words, without hyphens before them. Both names of an option are long where it has two. */
function flagsOf(command: Command): string[] {
  const names = command.options.flatMap(({ short, long }) => [short, long]);
  return names.flatMap((name) => (name?.startsWith('--') === true ? [name.slice(2)] : []));
}

function everyCommand(program: Command): Command[] {
  return [program, ...program.commands.flatMap(everyCommand)];
}

/** What an option is called by itself: `solver` of `sampling.solver`. */
function lastPart(flag: string): string {
  return flag.slice(flag.lastIndexOf('.') + 1);
}

/**
 * One sentence for a command line that commander could not make sense of. A flag is looked for among those of the command at hand, and then among those of
 * the others, which it may have been meant for.
 */
export function usageProblem(error: CommanderError, program: Command, argv: readonly string[]): string {
  const text = error.message.replace(/^error: /, '').split('\n')[0] ?? '';
  const flag = error.code === 'commander.unknownOption' ? /'--([^']+)'/.exec(text)?.[1] : undefined;
  if (flag === undefined) return `${text.charAt(0).toUpperCase()}${text.slice(1)}; see brownian --help.`;
  const command = commandOf(program, argv);
  const guess = nearest(flag, flagsOf(command));
  const other = everyCommand(program).find((one) => flagsOf(one).includes(flag));
  if (guess !== undefined && (other === undefined || lastPart(guess) === lastPart(flag)))
    return `There is no option --${flag}; did you mean --${guess}?`;
  if (other !== undefined)
    return `There is no option --${flag} of ${fullName(command)}, it is one of ${fullName(other)}; see ${fullName(command)} --help.`;
  return `There is no option --${flag}; see ${fullName(command)} --help for all of them.`;
}

/** An argument as it is typed in a shell: in quotes where it has more than plain letters. */
export function quoteArgument(argument: string): string {
  return /^[\w./:,=+@%-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}

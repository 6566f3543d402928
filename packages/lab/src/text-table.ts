/** Lines of a table for a terminal: columns as wide as their widest cell, the first row underlined. */
export function textTable(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    widths
      .map((width, i) => (row[i] ?? '').padEnd(width))
      .join('  ')
      .trimEnd();
  const [head, ...body] = rows;
  return head === undefined ? [] : [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...body.map(line)];
}

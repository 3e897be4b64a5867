/** Rows as a table: each column as wide as its widest cell, the last one free. */
export function columns(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, at) => (at < head.length - 1 ? cell.padEnd(widths[at] ?? 0) : cell))
      .join('  ')
      .trimEnd(),
  );
}

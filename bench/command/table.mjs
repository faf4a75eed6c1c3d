/** Tables of results as text. */

/** Title and text of a column. @template R @typedef {[string, (row: R) => string]} Column */

/** Prints rows in columns: the first to the left, the others to the right. @template R @param {Column<R>[]} columns @param {R[]} rows */
export function printTable(columns, rows) {
  const cells = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, text]) => text(row)))];
  const widths = columns.map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  for (const line of cells) {
    const padded = line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])));
    console.log(padded.join('  '));
  }
  console.log('');
}

/** A number in at most five characters. @param {number} value */
export function short(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)}M`;
  return value >= 10_000 ? `${Math.round(value / 1000)}k` : String(Math.round(value));
}

/** @param {number} share from 0 to 1 */
export function percent(share) {
  return `${Math.round(share * 100)} %`;
}

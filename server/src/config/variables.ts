/** Finds environment variables that look like settings of Dobby and are none: a misspelt one would be ignored without a word. */
import { TEXT_FIELDS } from './sources.js';

/** What the command line reads besides, and what Cornelius reads, which may run in the same environment. */
const OTHERS = [
  'DOBBY_CONFIG',
  'DOBBY_URL',
  'DOBBY_API_KEY_FILE',
  'DOBBY_WEBHOOK_SECRET_FILE',
  'DOBBY_TOKEN_SECRET_FILE',
  'DOBBY_TOKEN_KEY_FILE',
];
/** What Kubernetes sets in every container beside a service that is called "dobby". */
const OF_KUBERNETES = /^DOBBY_(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

/** A variable that is no setting. */
export interface UnknownVariable {
  readonly name: string;
  /** The setting whose name is the least apart. */
  readonly nearest: string;
}

/** Returns the variables whose names begin with `DOBBY_`, in any case, and that nothing reads. */
export function unknownVariables(
  environment: Readonly<Record<string, string | undefined>>,
): UnknownVariable[] {
  const known = [...TEXT_FIELDS.map(({ variable }) => variable), ...OTHERS];
  return Object.keys(environment)
    .filter((name) => /^dobby_/i.test(name) && !known.includes(name) && !OF_KUBERNETES.test(name))
    .sort()
    .map((name) => ({ name, nearest: nearestOf(name.toUpperCase(), known) }));
}

function nearestOf(name: string, known: readonly string[]): string {
  const distances = known.map((each) => distance(name, each));
  return known[distances.indexOf(Math.min(...distances))] ?? '';
}

/** How many letters must be put in, taken out or replaced (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (letter === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

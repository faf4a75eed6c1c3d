/** Runs a range of seeds, shrinks what fails, and says what was found. */
import type { Figures } from './network.js';
import { type Outcome, runSequence } from './run.js';
import { type Step, stepsOf } from './steps.js';

/** Sequences that fail alike are shrunk once. */
const MOST_SHRUNK = 3;
const MOST_RERUNS = 150;
const MOST_LINES = 400;

/** What came of a range of seeds. */
export interface Report {
  readonly text: string;
  readonly violations: number;
}

interface Failure {
  readonly seed: number;
  readonly violation: string;
}

/** Runs the sequences of `seeds`. */
export async function report(seeds: readonly number[]): Promise<Report> {
  const failed: Failure[] = [];
  const quiet: number[] = [];
  const sum: Figures = { connections: 0, lateOpens: 0, probes: 0 };
  const startedAt = performance.now();
  for (const seed of seeds) {
    const outcome = await runSequence(seed, stepsOf(seed));
    for (const name of ['connections', 'lateOpens', 'probes'] as const) sum[name] += outcome.figures[name];
    if (outcome.violation === null) quiet.push(outcome.quietAfterMs);
    else failed.push({ seed, violation: outcome.violation });
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  quiet.sort((a, b) => a - b);
  const lines = [
    `${seeds.length} sequences in ${seconds} s: ${failed.length} violations`,
    `${sum.connections} connections, ${sum.lateOpens} late opens, ${sum.probes} probes`,
    `quiet after ${quiet.at(quiet.length >> 1)} ms in the median, ${quiet.at(-1)} ms at the most`,
  ];
  const kinds = groups(failed);
  for (const [kind, of] of kinds)
    lines.push(`${of.length} x ${kind}: seeds ${of.map(({ seed }) => seed).slice(0, 12)}`);
  for (const [, of] of [...kinds].slice(0, MOST_SHRUNK))
    if (of[0] !== undefined) lines.push(await shrunk(of[0]));
  return { text: lines.join('\n'), violations: failed.length };
}

/** A violation without the paths and numbers of its sequence. */
const kindOf = ({ violation }: { violation: string }): string =>
  violation
    .replace(/\[[^\]]*\]/g, '[…]')
    .replace(/\b(public-a|public-nolog-b|c|nolog-d)\b/g, 'P')
    .replace(/\d+/g, 'N');

function groups<T extends { violation: string }>(items: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(kindOf(item), [...(groups.get(kindOf(item)) ?? []), item]);
  return groups;
}

/** Leaves out steps as long as it fails alike, and prints what is left. */
async function shrunk({ seed, violation }: Failure): Promise<string> {
  const kind = kindOf({ violation });
  let steps = stepsOf(seed);
  let reruns = 0;
  for (let size = Math.ceil(steps.length / 2); size >= 1 && reruns < MOST_RERUNS; size = size >> 1)
    for (let at = 0; at < steps.length && reruns < MOST_RERUNS; ) {
      const fewer = [...steps.slice(0, at), ...steps.slice(at + size)];
      reruns++;
      const { violation: other } = await runSequence(seed, fewer);
      if (other === null || kindOf({ violation: other }) !== kind) at += size;
      else steps = fewer;
    }
  return printed(seed, steps, await runSequence(seed, steps, true));
}

function printed(seed: number, steps: readonly Step[], { violation, trace }: Outcome): string {
  const end = trace.findIndex((line) => line.includes('VIOLATION')) + 1;
  const lines = trace.slice(0, end);
  const left = lines.length - MOST_LINES;
  return [
    `\nseed ${seed}: ${violation}`,
    ...steps.map((step) => `  ${JSON.stringify(step)}`),
    left > 0 ? `  … ${left} lines` : '',
    ...lines.slice(-MOST_LINES).map((line) => `  ${line}`),
  ].join('\n');
}

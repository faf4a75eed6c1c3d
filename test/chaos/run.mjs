/**
 * `npm run chaos -- --seed S --minutes M`: clients in Node and in Chromium reach a real server through a proxy that does harm, while
 * they join and leave paths. Busy periods alternate with quiet ones, in which every client must hear what it wished for last.
 */
import { parseArgs } from 'node:util';
import { Chaos } from './chaos.mjs';
import { summarize } from './summary.mjs';

const USAGE = `npm run chaos -- [options]
  --seed N       of everything that is random (1)
  --minutes M    how long it runs (10)
  --pages N      pages in Chromium (5)
  --clients N    clients in Node (9)
  --busy S       seconds of a busy period at most (30)
  --log FILE     every event and frame of every client, to look into a violation`;

const text = /** @type {const} */ ({ type: 'string' });
const { values } = parseArgs({
  options: {
    seed: text,
    minutes: text,
    pages: text,
    clients: text,
    busy: text,
    log: text,
    help: { type: 'boolean' },
  },
});

/** @param {'seed' | 'minutes' | 'pages' | 'clients' | 'busy'} name @param {number} otherwise */
function number(name, otherwise) {
  const value = Number(values[name] ?? otherwise);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Error(`--${name} takes a number, not ${values[name]}`);
}

if (values.help) console.log(USAGE);
else {
  const options = {
    seed: number('seed', 1),
    minutes: Math.min(number('minutes', 10), 60),
    pages: Math.min(number('pages', 5), 20),
    clients: Math.min(number('clients', 9), 50),
    busySeconds: number('busy', 30),
    log: values.log,
  };
  const { lines, isWell } = summarize(options, await new Chaos(options).run());
  console.log(lines.join('\n'));
  process.exit(isWell ? 0 : 1); // what a client left behind keeps nothing alive
}

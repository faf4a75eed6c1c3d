/** `npm run bench -- <bench> [options]`: runs one of the benches in the table. See README.md. */
import { bounds } from './bounds/bounds.mjs';
import { commands } from './commands/commands.mjs';
import { commandsSelfTest } from './commands/self-test.mjs';
import { fanout } from './fanout/fanout.mjs';
import { idle } from './idle/idle.mjs';
import { jitter } from './jitter/jitter.mjs';
import { latency } from './latency/latency.mjs';
import { faultSelfTest } from './load/fault-self-test.mjs';
import { selfTest } from './load/self-test.mjs';
import { restart } from './restart/restart.mjs';
import { slow } from './slow/slow.mjs';

/** @type {Record<string, {about: string, run: (args: string[]) => Promise<number> | number}>} */
const BENCHES = {
  bounds: {
    about: 'what is bounded in number, filled beyond: the rate of the last beside the first',
    run: bounds,
  },
  commands: {
    about: 'commands and their answers: round trips per CPU-second beside the peers',
    run: commands,
  },
  fanout: { about: 'one path, many subscribers: deliveries per CPU-second beside the peers', run: fanout },
  idle: { about: 'many sessions and nothing to do: memory of each beside the peers', run: idle },
  jitter: { about: 'clients that come and go: what reaches them in the end beside the peers', run: jitter },
  latency: {
    about: 'few updates to few: the time from publishing to receiving beside the peers',
    run: latency,
  },
  restart: { about: 'a server ended and started again: who comes back, and what is missing', run: restart },
  slow: { about: 'clients that stop reading: what it costs the others, and the server in memory', run: slow },
  'self-test': {
    about: 'proves that the checkers of deliveries can fail',
    run() {
      console.log(`The checker found the damage in all of ${selfTest()} damaged streams.`);
      console.log(`The judge found the damage in all of ${faultSelfTest()} damaged hearings.`);
      console.log(
        `The checker of answers found the damage in all of ${commandsSelfTest()} damaged conversations.`,
      );
      return 0;
    },
  },
};

const [name = '', ...args] = process.argv.slice(2);
const bench = BENCHES[name];
if (bench === undefined) {
  const names = Object.entries(BENCHES).map(([each, { about }]) => `  ${each.padEnd(10)} ${about}`);
  console.error(`Usage: npm run bench -- <bench> [options]\n\n${names.join('\n')}`);
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await bench.run(args);
  } catch (error) {
    console.error(error instanceof Error && error.name === 'Fault' ? `FAILED ${error.message}` : error);
    process.exitCode = 1;
  }
}

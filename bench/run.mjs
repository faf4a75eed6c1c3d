/** `npm run bench -- <bench> [options]`: runs one of the benches in the table. See README.md. */
import { commands } from './benches/commands.mjs';
import { faults } from './benches/faults.mjs';
import { idle } from './benches/idle.mjs';
import { fanout, latency } from './benches/windows.mjs';
import { runBench } from './command/course.mjs';
import { selfTest } from './command/self-test.mjs';

/** Every one answers its exit code. @type {{name: string, about: string, run: (args: string[]) => Promise<number>}[]} */
const ALL = [
  ...[fanout, latency, idle, commands, faults].map((each) => ({
    ...each,
    run: (args) => runBench(each, args),
  })),
  { name: 'self-test', about: 'proves that the checkers can fail', run: async () => printSelfTest() },
];

function printSelfTest() {
  console.log(selfTest());
  return 0;
}

const [name = '', ...args] = process.argv.slice(2);
const bench = ALL.find((each) => each.name === name);
if (bench === undefined) {
  const names = ALL.map((each) => `  ${each.name.padEnd(10)} ${each.about}`);
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

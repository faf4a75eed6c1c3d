/**
 * Runs all tests on a broker that answers at random times and fails once in fifty calls, as a store on another machine would. Short
 * form: the unit tests on Node 24 run so within `npm test`.
 *
 *     node scripts/test-random.mjs             with the seeds 1, 2 and 3
 *     node scripts/test-random.mjs 7 8         with these
 */
import { runSuites } from './suites.mjs';

const seeds = process.argv.length > 2 ? process.argv.slice(2) : ['1', '2', '3'];
for (const seed of seeds) runSuites('random-broker-hook.mjs', { RANDOM_BROKER: seed });

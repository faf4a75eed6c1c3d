/**
 * Runs all tests but those about commands, with servers from whose table of features the line of commands is deleted. Short form:
 * `server/test/features.test.ts`, within `npm test`.
 *
 *     node scripts/test-without-commands.mjs
 */
import { ABOUT_COMMANDS } from '../server/test/support/without-commands.mjs';
import { runSuites } from './suites.mjs';

const inPython = ABOUT_COMMANDS.filter((name) => name.startsWith('python/'));
runSuites('without-commands-hook.mjs', { WITHOUT_COMMANDS: '1' }, inPython);

/**
 * Servers without the feature of commands: its line is deleted from the table of features. With the variable WITHOUT_COMMANDS,
 * `vitest.config.ts` does so for servers in the process of a test, `without-commands-hook.mjs` for built servers in any process.
 */

/** The tests that need a server with commands: folders and files, below the root of the repository. */
export const ABOUT_COMMANDS = [
  'client/test/commands',
  'examples/chat/test',
  'python/tests/test_command_secrets.py',
  'python/tests/test_commands_end_to_end.py',
  'server/test/commands',
  'test/e2e/bench.test.ts', // the servers of benches get no hook of Node
  'test/e2e/commands.test.ts',
  'test/e2e/lineage.test.ts',
];

/** Whether servers of tests have no commands. */
export const isWithoutCommands = process.env.WITHOUT_COMMANDS !== undefined;

/**
 * Returns the source of `server/src/features.ts`, or of its build, without the feature of commands and its import.
 * @param {string} source
 * @throws Error when these are not two lines
 */
export function withoutCommands(source) {
  const lines = source.split('\n');
  const kept = lines.filter((line) => !line.includes('CommandCenter'));
  if (lines.length - kept.length !== 2)
    throw new Error('server/src/features.ts: the feature of commands is not one line and one import');
  return kept.join('\n');
}

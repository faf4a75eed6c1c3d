/** Server processes from whose table of features the line of commands is deleted, see server/test/support/without-commands-hook.mjs. */
import { expect, it } from 'vitest';
import { tempFolder } from '../../server/test/support/temp-folder.js';
import { isWithoutCommands } from '../../server/test/support/without-commands.mjs';
import { startServer } from './server-process.js';

const HOOK = new URL('../../server/test/support/without-commands-hook.mjs', import.meta.url).pathname;
/** Where all servers have no commands, this one shows that they have none. */
const VARIABLES = isWithoutCommands ? {} : { WITHOUT_COMMANDS: '1', NODE_OPTIONS: `--import=${HOOK}` };

interface Answer {
  readonly updates: readonly Record<string, unknown>[];
  readonly reconnectWith: string;
}

/** The frames that follow a command. */
async function answerOf(variables: Record<string, string>): Promise<Answer['updates']> {
  const server = await startServer(['--port', '0', '--state-dir', tempFolder()], variables);
  try {
    const post = async (body: object) => {
      const answer = await fetch(`${server.url}/comet`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
      return (await answer.json()) as Answer;
    };
    const { updates, reconnectWith: cursor } = await post({ type: 'open', protocol: 1 });
    const { ticket, connection } = updates[0] as Record<string, unknown>;
    const frames = [{ type: 'command', n: 1, uid: 'a', path: 'news', command: 'any' }];
    await post({ type: 'send', ticket, connection, frames });
    return (await post({ type: 'poll', ticket, connection, cursor })).updates;
  } finally {
    await server.kill('SIGTERM');
  }
}

it('a server process without the feature of commands runs, and does not know their frame', async () => {
  expect(await answerOf(VARIABLES)).toMatchObject([{ type: 'error', code: 'unknown_type', n: 1 }]);
});

it('with the feature there is a reply', async ({ skip }) => {
  skip(isWithoutCommands, 'no server has commands');
  expect(await answerOf({})).toMatchObject([{ type: 'reply', error: { code: 'unknown_command' } }]);
});

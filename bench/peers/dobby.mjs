/** Dobby, as its command line starts it, with a state folder of its own. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, startServer } from '../load/children.mjs';
import { startInFolder } from './folder.mjs';
import { KEY } from './key.mjs';

/** Its command line, below the repository's folder. */
export const COMMAND = 'server/dist/server/src/cli/main.js';

/** How fast connections are admitted is no part of what is measured here: the generator opens them as fast as it can. */
const FLAGS = [
  '--port',
  '0',
  '--host',
  '127.0.0.1',
  '--public',
  'bench/{name*}',
  '--max-opens-per-second',
  '100000',
];

/** Starts it. @param {string[]} [flags] beside the ones that all need */
export function startDobby(flags = []) {
  return startInFolder((folder) =>
    startServer({
      command: process.execPath,
      args: [COMMAND, ...FLAGS, ...flags],
      env: { DOBBY_API_KEY: KEY, DOBBY_STATE_DIR: folder },
    }),
  );
}

/** @type {import('./table.mjs').Peer} */
export const dobby = {
  name: 'dobby',
  dialect: 'dobby',
  updateUrl: '/api/update',
  isCompared: true,
  missing: () => (existsSync(join(ROOT, COMMAND)) ? null : `${COMMAND} is missing: npm run build makes it`),
  start: () => startDobby(),
};

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

/**
 * The builds of Dobby that can be compared in one run: this one, and that of another clone which BENCH_BEFORE names, twice: where it differs from
 * itself by more than from this one the comparison says nothing.
 */
export const BUILDS = ['dobby', 'before', 'before-again'];

/** The command line of a build, below the repository's folder or absolute. @param {string} name */
export const commandOf = (name) =>
  name === 'dobby' ? COMMAND : join(process.env['BENCH_BEFORE'] ?? '', COMMAND);

/** Starts it. @param {string[]} [flags] beside the ones that all need @param {string} [command] */
export function startDobby(flags = [], command = COMMAND) {
  return startInFolder((folder) =>
    startServer({
      command: process.execPath,
      args: [command, ...FLAGS, ...flags],
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

/** An earlier build. @param {string} name @returns {import('./table.mjs').Peer} */
const earlier = (name) => ({
  ...dobby,
  name,
  isCompared: false,
  missing: () =>
    process.env['BENCH_BEFORE'] && existsSync(commandOf(name))
      ? null
      : `BENCH_BEFORE names no folder with a built clone of an earlier state`,
  start: () => startDobby([], commandOf(name)),
});

/** By name. */
export const earlierBuilds = { before: earlier('before'), 'before-again': earlier('before-again') };

/**
 * Deletes the feature of commands from a built server, in any process:
 *
 *     WITHOUT_COMMANDS=1 NODE_OPTIONS=--import=./server/test/support/without-commands-hook.mjs npm start
 */
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { withoutCommands } from './without-commands.mjs';

// Node loads this file a second time, in the thread of its hooks: a hook that registers itself there would be called twice.
if (process.env.WITHOUT_COMMANDS !== undefined && isMainThread) register(import.meta.url);

/** @type {import('node:module').LoadHook} */
export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (!url.endsWith('/server/dist/server/src/features.js')) return loaded;
  return { ...loaded, source: withoutCommands(Buffer.from(loaded.source).toString()) };
}

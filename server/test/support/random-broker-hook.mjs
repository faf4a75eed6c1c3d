/**
 * Lets a built server, in whatever process, have the random broker in place of its memory broker:
 *
 *     RANDOM_BROKER=1 NODE_OPTIONS=--import=./server/test/support/random-broker-hook.mjs npm start
 */
import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import { transformSync } from 'esbuild';

const HERE = new URL('./', import.meta.url).href;

if (process.env.RANDOM_BROKER !== undefined && !process.execArgv.includes('--no-random-broker')) {
  register(import.meta.url);
}

/** @type {import('node:module').ResolveHook} */
export async function resolve(specifier, context, next) {
  const from = context.parentURL ?? '';
  if (from.endsWith('/server/dist/server/src/assembly.js') && specifier.endsWith('/memory-broker.js'))
    return { url: `${HERE}random-broker-of-servers.ts`, shortCircuit: true };
  if (!from.startsWith(HERE)) return next(specifier, context);
  if (specifier.startsWith('./'))
    return { url: new URL(specifier.replace(/js$/, 'ts'), HERE).href, shortCircuit: true };
  return next(specifier.replace('../../src/', '../../dist/server/src/'), context);
}

/** @type {import('node:module').LoadHook} */
export async function load(url, context, next) {
  if (!url.startsWith(HERE) || !url.endsWith('.ts')) return next(url, context);
  const { code } = transformSync(readFileSync(new URL(url), 'utf8'), {
    loader: 'ts',
    format: 'esm',
    target: 'node20',
  });
  return { format: 'module', source: code, shortCircuit: true };
}

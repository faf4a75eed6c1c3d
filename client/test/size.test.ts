import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

it.each([
  { name: 'Pomona', entry: 'index.ts', maxBytes: 10 * 1024 },
  { name: 'pomona/state', entry: 'state/index.ts', maxBytes: 2 * 1024 },
  { name: 'pomona/commands', entry: 'commands/index.ts', maxBytes: 2_624 },
  { name: 'pomona/tokens', entry: 'tokens/index.ts', maxBytes: 2_176 },
])('$name is at most $maxBytes bytes, minified and gzipped', async ({ name, entry, maxBytes }) => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../src/${entry}`, import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  const bytes = gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length;
  process.stdout.write(`${name}: ${bytes} of ${maxBytes} bytes\n`);
  expect(bytes).toBeLessThanOrEqual(maxBytes);
});

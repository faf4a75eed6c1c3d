import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const MAX_BYTES = 8 * 1024;

it('is at most 8 KB, minified and gzipped', async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../src/index.ts', import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  const bytes = gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length;
  process.stdout.write(`Pomona: ${bytes} of ${MAX_BYTES} bytes\n`);
  expect(bytes).toBeLessThanOrEqual(MAX_BYTES);
});

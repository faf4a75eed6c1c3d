/** A folder of its own for each test, gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';

const made: string[] = [];

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Makes an empty folder. */
export function tempFolder(): string {
  const { path } = makeTempFolder();
  made.push(path);
  return path;
}

/** Makes an empty folder that lasts until `remove`, for what all tests of a file share. */
export function makeTempFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'dobby-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

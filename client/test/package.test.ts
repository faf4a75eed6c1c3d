import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const FOLDER = new URL('..', import.meta.url);
type Target = string | Record<string, string>;

it('has every entry that it names, with its types', () => {
  const { exports } = JSON.parse(readFileSync(new URL('package.json', FOLDER), 'utf8')) as {
    exports: Record<string, Target>;
  };
  const files = Object.values(exports).flatMap((target) =>
    typeof target === 'string' ? target : Object.values(target),
  );
  expect(files).toContain('./dist/client/src/state/index.d.ts');
  expect(files).toContain('./dist/client/src/commands/index.d.ts');
  expect(files).toContain('./dist/client/src/tokens/index.d.ts');
  for (const file of files) expect(existsSync(fileURLToPath(new URL(file, FOLDER))), file).toBe(true);
});

it('gives its entries by name, and no names besides', async () => {
  const names = async (entry: string) => Object.keys((await import(/* @vite-ignore */ entry)) as object);
  expect(await names('pomona/state')).toEqual(['withState']);
  expect(await names('pomona/commands')).toEqual(['CommandError', 'withCommands']);
  expect(await names('pomona/tokens')).toEqual(['withTokens']);
});

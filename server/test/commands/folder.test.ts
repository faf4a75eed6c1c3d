import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandFolder, ModuleError } from '../../src/commands/modules/folder.js';
import { tempFolder } from '../support/temp-folder.js';

function folderWith(files: Record<string, string>): string {
  const folder = tempFolder();
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}

const SAY = 'export default { run: () => "said" };';

describe('the folder of commands', () => {
  it('has a module in each file, also deeper down, named as its file, TypeScript and JavaScript', async () => {
    const folder = new CommandFolder(
      folderWith({
        'say.ts': 'const text: string = "said";\nexport default { run: (): string => text };',
        'rooms/join.js': 'export default { pattern: "chat/{room}", ordered: true, run() { return 1; } };',
        'rooms/leave.mts': 'export default { command: "go", run: async (): Promise<number> => 2 };',
        '_shared.ts': 'export default 1;',
        'rooms/_more/x.ts': 'export default 1;',
        'say.test.ts': 'throw new Error("a test");',
        'types.d.ts': 'declare const x: number;',
        'README.md': '# no module',
      }),
    );
    const loaded = await folder.load();
    const shown = loaded.map(({ file, definition: { command, pattern, ordered } }) => [
      file,
      command,
      pattern,
      ordered,
    ]);
    expect(shown).toEqual([
      ['rooms/join.js', 'join', 'chat/{room}', true],
      ['rooms/leave.mts', 'go', undefined, false],
      ['say.ts', 'say', undefined, false],
    ]);
    expect(await loaded[1]?.definition.run(null, null as never)).toBe(2);
  });

  it('has those first whose patterns say more', async () => {
    const of = (pattern: string): string =>
      `export default { command: 'say', pattern: '${pattern}', run() {} };`;
    const folder = new CommandFolder(
      folderWith({
        'a.js': of('{path*}'),
        'b.js': of('chat/{room}'),
        'c.js': of('chat/lobby'),
        'd.js': of('{room}'),
      }),
    );
    expect((await folder.load()).map(({ file }) => file)).toEqual(['c.js', 'b.js', 'a.js', 'd.js']);
  });

  it('lets modules share what they import from it', async () => {
    const folder = new CommandFolder(
      folderWith({
        '_words.ts': 'export const word: string = "shared";',
        'say.ts': 'import { word } from "./_words.js";\nexport default { run: () => word };',
      }),
    );
    const [say] = await folder.load();
    expect(say?.definition.run(null, null as never)).toBe('shared');
  });

  it('that is not there is told by its name', () => {
    expect(() => new CommandFolder('no/such/folder')).toThrow(/there is no folder "no\/such\/folder"/);
  });

  it.each([
    ['that does not parse', 'export default {', /say\.ts/],
    ['that throws', 'throw new Error("broken");', /say\.ts: broken/],
    ['without a default export', 'export const tell = 1;', /say\.ts: .*no default export.*defineCommand/],
    ['without a function', 'export default { run: 1 };', /say\.ts: "run": a function/],
    ['with a field too much', 'export default { run() {}, paths: 1 };', /say\.ts: .*paths/],
    ['with a wrong pattern', 'export default { pattern: "a*", run() {} };', /say\.ts: "pattern"/],
    ['with a schema that is none', 'export default { args: {}, run() {} };', /say\.ts: "args": a schema/],
  ])('with a file %s says which', async (_what, text, message) => {
    const folder = new CommandFolder(folderWith({ 'say.ts': text }));
    const failing = folder.load();
    await expect(failing).rejects.toThrow(message);
    await expect(failing).rejects.toBeInstanceOf(ModuleError);
  });

  it('refuses two modules for one command on the same paths', async () => {
    const folder = new CommandFolder(folderWith({ 'say.ts': SAY, 'more/say.ts': SAY }));
    await expect(folder.load()).rejects.toThrow(
      /say\.ts: takes the same command on the same paths as more\/say\.ts/,
    );
  });

  it('is read anew when a file changes, in place or by another in its place, with what it imports', async () => {
    const path = folderWith({
      '_words.ts': 'export const word = "old";',
      'say.ts': 'import { word } from "./_words.js";\nexport default { run: () => word };',
    });
    const folder = new CommandFolder(path);
    let changes = 0;
    const stop = folder.watch(() => changes++);
    const said = async (change: () => void) => {
      const before = changes;
      change();
      for (let i = 0; i < 400 && changes === before; i++)
        await new Promise((resolve) => setTimeout(resolve, 10));
      return (await folder.load())[0]?.definition.run(null, null as never);
    };
    const words = join(path, '_words.ts');
    const write = (file: string, word: string): void => writeFileSync(file, `export const word = "${word}";`);
    expect(await said(() => write(words, 'written'))).toBe('written');
    const replace = (word: string): void => {
      write(join(path, '.new'), word);
      renameSync(join(path, '.new'), words);
    };
    expect(await said(() => replace('replaced'))).toBe('replaced');
    expect(await said(() => replace('replaced again'))).toBe('replaced again');
    expect(await said(() => write(words, 'written at last'))).toBe('written at last');
    stop();
    expect(changes).toBe(4);
  });

  it('may go while it is watched, and come back', async () => {
    const path = folderWith({ 'say.ts': SAY });
    let changes = 0;
    const stop = new CommandFolder(path).watch(() => changes++);
    const seen = async (count: number): Promise<void> => {
      for (let i = 0; i < 400 && changes < count; i++)
        await new Promise((resolve) => setTimeout(resolve, 10));
      expect(changes).toBe(count);
    };
    rmSync(path, { recursive: true });
    await seen(1);
    mkdirSync(path);
    await seen(1);
    writeFileSync(join(path, 'say.ts'), SAY);
    await seen(2);
    stop();
  });
});

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HandoffFile } from '../../../src/stores/handoff/handoff-file.js';
import { tempFolder } from '../../support/temp-folder.js';
import { createWorld } from '../../support/world.js';

const itself = <T>(handoff: T): T => handoff;

function sample() {
  const world = createWorld();
  world.publish('a', 'b');
  return { at: 1, backBy: 1, paths: world.broker.snapshots(), sessions: [], requests: [] };
}

const inTime = (): number => 1;

it('is private, and gone once it was taken', async () => {
  const folder = tempFolder();
  const file = join(folder, 'handoff');
  await new HandoffFile(file).write(sample(), inTime);
  expect(readdirSync(folder)).toEqual(['handoff']);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(new HandoffFile(file).take(itself)?.paths).toMatchObject([{ path: 'a' }]);
  expect(readdirSync(folder)).toEqual([]);
  expect(new HandoffFile(file).take(itself)).toBeNull();
});

it('is left alone when another server has left it in the same folder', async () => {
  const file = join(tempFolder(), 'handoff');
  const other = new HandoffFile(file);
  await new Promise((resolve) => setTimeout(resolve, 50)); // the clock of files goes in steps of up to 10 ms
  await new HandoffFile(file).write(sample(), inTime);
  await expect(other.write({ ...sample(), paths: [] }, inTime)).rejects.toThrow('another server');
  expect(new HandoffFile(file).take(itself)?.paths).toMatchObject([{ path: 'a' }]);
});

it('says how much was left out', async () => {
  const file = join(tempFolder(), 'handoff');
  expect(await new HandoffFile(file).write(sample(), () => 0)).toEqual({
    ...{ paths: 1, requests: 0, sessions: 0, updates: 1 },
  });
});

it('is gone too when it is damaged, and nothing is taken from it', async () => {
  const file = join(tempFolder(), 'handoff');
  await new HandoffFile(file).write(sample(), inTime);
  writeFileSync(file, readFileSync(file).subarray(0, -10));
  expect(() => new HandoffFile(file).take(itself)).toThrow('cut short');
  expect(existsSync(file)).toBe(false);
});

it('that was not finished is no handoff, and is removed', () => {
  const file = join(tempFolder(), 'handoff');
  writeFileSync(`${file}.new`, 'half of it');
  expect(new HandoffFile(file).take(itself)).toBeNull();
  expect(existsSync(`${file}.new`)).toBe(false);
});

it('replaces an unfinished one, whatever its mode was', async () => {
  const file = join(tempFolder(), 'handoff');
  writeFileSync(`${file}.new`, 'half of it', { mode: 0o644 });
  await new HandoffFile(file).write(sample(), inTime);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it('that cannot be written leaves nothing behind', async () => {
  const folder = tempFolder();
  const file = join(folder, 'none', 'handoff');
  await expect(new HandoffFile(file).write(sample(), inTime)).rejects.toThrow('ENOENT');
  expect(readdirSync(folder)).toEqual([]);
});

it('is written though folders have its names, and nothing older is left', async () => {
  const folder = tempFolder();
  const file = join(folder, 'handoff');
  for (const name of [file, `${file}.new`]) {
    mkdirSync(name);
    writeFileSync(join(name, 'x'), '');
  }
  await new HandoffFile(file).write(sample(), inTime);
  expect(new HandoffFile(file).take(itself)?.paths).toHaveLength(1);
  await new HandoffFile(file).write(sample(), inTime);
  mkdirSync(`${file}.new`);
  expect(new HandoffFile(file).take(itself)?.paths).toHaveLength(1);
  expect(readdirSync(folder)).toEqual([]);
});

it('that cannot be written any more takes the one before with it', async () => {
  const file = join(tempFolder(), 'handoff');
  await new HandoffFile(file).write(sample(), inTime);
  const broken = { ...sample(), at: 1n as unknown as number };
  await expect(new HandoffFile(file).write(broken, inTime)).rejects.toThrow('BigInt');
  expect(new HandoffFile(file).take(itself)).toBeNull();
});

it.each([
  ['a pipe', (file: string) => execFileSync('mkfifo', [file])],
  ['a folder', (file: string) => mkdirSync(file)],
  ['a link', (file: string) => symlinkSync('/dev/zero', file)],
])('is not read, nor waited for, when it is %s', (_, make) => {
  const file = join(tempFolder(), 'handoff');
  make(file);
  expect(() => new HandoffFile(file).take(itself)).toThrow();
  expect(new HandoffFile(file).take(itself)).toBeNull();
});

it('can be written when every other descriptor is taken', async () => {
  const folder = tempFolder();
  const script = `
    import { openSync } from 'node:fs';
    import { HandoffFile } from ${JSON.stringify(join(import.meta.dirname, '../../../dist/server/src/stores/handoff/handoff-file.js'))};
    const file = new HandoffFile(${JSON.stringify(join(folder, 'handoff'))});
    file.take(() => null);
    try { for (;;) openSync('/dev/null', 'r'); } catch {}
    await file.write({ at: 1, backBy: 1, paths: [], sessions: [], requests: [] }, () => 1);
  `;
  execFileSync('sh', ['-c', 'ulimit -n 256 && exec "$0" --input-type=module', process.execPath], {
    input: script,
  });
  expect(readdirSync(folder)).toEqual(['handoff']);
});

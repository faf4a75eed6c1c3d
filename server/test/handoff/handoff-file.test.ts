import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HandoffFile } from '../../src/handoff/handoff-file.js';
import { tempFolder } from '../support/temp-folder.js';
import { createWorld } from '../support/world.js';

function sample() {
  const world = createWorld();
  world.publish('a', 'b');
  return { at: 1, backBy: 1, paths: world.broker.handOver(), sessions: [], requests: [] };
}

const never = (): boolean => false;

it('is private, and gone once it was taken', async () => {
  const folder = tempFolder();
  const file = join(folder, 'handoff');
  await new HandoffFile(file).write(sample(), never);
  expect(readdirSync(folder)).toEqual(['handoff']);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(new HandoffFile(file).take()?.paths).toMatchObject([{ path: 'a' }]);
  expect(readdirSync(folder)).toEqual([]);
  expect(new HandoffFile(file).take()).toBeNull();
});

it('says how much was left out', async () => {
  const file = join(tempFolder(), 'handoff');
  expect(await new HandoffFile(file).write(sample(), () => true)).toEqual({ updates: 1, paths: 0 });
});

it('is gone too when it is damaged, and nothing is taken from it', async () => {
  const file = join(tempFolder(), 'handoff');
  await new HandoffFile(file).write(sample(), never);
  writeFileSync(file, readFileSync(file).subarray(0, -10));
  expect(() => new HandoffFile(file).take()).toThrow('cut short');
  expect(existsSync(file)).toBe(false);
});

it('that was not finished is no handoff, and is removed', () => {
  const file = join(tempFolder(), 'handoff');
  writeFileSync(`${file}.new`, 'half of it');
  expect(new HandoffFile(file).take()).toBeNull();
  expect(existsSync(`${file}.new`)).toBe(false);
});

it('replaces an unfinished one, whatever its mode was', async () => {
  const file = join(tempFolder(), 'handoff');
  writeFileSync(`${file}.new`, 'half of it', { mode: 0o644 });
  await new HandoffFile(file).write(sample(), never);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it('that cannot be written leaves nothing behind', async () => {
  const folder = tempFolder();
  const file = join(folder, 'none', 'handoff');
  await expect(new HandoffFile(file).write(sample(), never)).rejects.toThrow('ENOENT');
  expect(readdirSync(folder)).toEqual([]);
});

/** A server without a line of the table of features. `npm run test:without-commands` runs all other tests on such servers. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createDobby, type Dobby } from '../src/index.js';
import { tempFolder } from './support/temp-folder.js';
import { ABOUT_COMMANDS, withoutCommands } from './support/without-commands.mjs';

vi.mock('../src/features.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../src/features.js')>();
  return { FEATURES: original.FEATURES.filter((make) => !String(make).includes('CommandCenter')) };
});

let dobby: Dobby;
let url: string;

beforeAll(async () => {
  dobby = createDobby({ port: 0, stateDir: tempFolder(), logLevel: 'silent', public: ['{name*}'] });
  url = await dobby.start();
});
afterAll(() => dobby.stop());

it('starts, opens, pushes and stops without the feature of commands, whose frame is of an unknown type', async () => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/comet`);
  const heard: Record<string, unknown>[] = [];
  socket.on('message', (data) => heard.push(...[JSON.parse(String(data))].flat()));
  await new Promise((resolve) => socket.once('open', resolve));
  const closed = new Promise((resolve) => socket.once('close', resolve));

  socket.send(JSON.stringify({ type: 'open', protocol: 1, paths: [{ path: 'news' }] }));
  await expect.poll(() => heard.map(({ type }) => type)).toContain('subscribed');
  await dobby.update('news', 'Hello');
  await expect.poll(() => heard).toContainEqual(expect.objectContaining({ path: 'news', message: 'Hello' }));
  expect(heard[0]).toMatchObject({ type: 'opened' });

  socket.send(JSON.stringify({ type: 'command', n: 1, uid: 'a', path: 'news', command: 'any' }));
  await expect
    .poll(() => heard)
    .toContainEqual(expect.objectContaining({ type: 'error', code: 'unknown_type', n: 1 }));

  await dobby.stop();
  await closed;
});

it('the line of commands is one, and its import', () => {
  const source = ["import { CommandCenter } from 'a';", 'one', '  () => new CommandCenter(),', 'two'];
  expect(withoutCommands(source.join('\n'))).toBe('one\ntwo');
  expect(() => withoutCommands('one\ntwo')).toThrow('is not one line and one import');
  expect(() => withoutCommands([...source, 'new CommandCenter()'].join('\n'))).toThrow('is not one line');
});

it.each(ABOUT_COMMANDS)('what is about commands exists: %s', (name) => {
  expect(existsSync(new URL(`../../${name}`, import.meta.url))).toBe(true);
});

/** As long as Django cannot say who is asking, whatever the reason, nobody is let in; when it can again, pages come in by themselves. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { startChromium } from './browser.js';
import { Device, type Tab } from './tab.js';
import { BY_SESSION, type Transport } from './ways.js';
import { World } from './world.js';

const PATH = 'of/ann/mail';
/** `busy`: the client comes back. */
const BUSY = 4006;
/** The view that is too late takes three times as long. */
const TIMEOUT_MS = 500;

let browser: Browser;
let world: World;
let ann: Device;

beforeAll(async () => {
  const flags = ['--session-timeout-ms', String(TIMEOUT_MS)];
  [browser, world] = await Promise.all([startChromium(), World.start({ asksBackEnd: true, flags })]);
});

afterAll(async () => {
  await browser?.close();
  await world?.stop();
});

beforeEach(async () => {
  ann = await Device.open(browser, world, 'ann');
});

afterEach(() => ann.context.close());

async function openTab(transport: Transport): Promise<Tab> {
  const tab = await ann.tab(BY_SESSION.page([PATH, 'open/news'], transport));
  await Promise.all([tab.subscribed(PATH), tab.subscribed('open/news')]);
  return tab;
}

/** The tab has to open anew, and is not let in: twice, by a code that says to come back. */
async function isKeptOut(tab: Tab): Promise<void> {
  const mark = tab.mark;
  const others = (await world.sessionIds()).filter((id) => id !== tab.id);
  await world.api('kick', { id: tab.id });
  const refused = (told: { readonly [name: string]: unknown }) => told['code'] === 'not_identified';
  const first = await tab.until('error', refused, mark);
  const second = await tab.until('error', refused, tab.told.indexOf(first) + 1);
  expect([first['close'], second['close']]).toEqual([BUSY, BUSY]);
  expect(await world.sessionIds()).toEqual(others);
  for (const path of [PATH, 'open/news']) await world.publish(path, 'while it could not be said');
  expect(tab.told.slice(mark).filter(({ kind }) => kind === 'opened' || kind === 'heard')).toEqual([]);
}

/** It is let in by itself, as ann. */
async function comesIn(tab: Tab, since: number): Promise<void> {
  await Promise.all([tab.subscribed(PATH, since), tab.subscribed('open/news', since)]);
  await world.publish(PATH, 'welcome');
  await tab.hears(PATH, 'welcome', since);
  const { sessions } = await world.api<{ sessions: { id: string }[] }>('sessions');
  const own = sessions.find(({ id }) => id === tab.id);
  expect(own).toMatchObject({ user: '1', info: { name: 'ann' } });
}

it('while Django is down nobody is let in, and it need not be asked to', async () => {
  const tab = await openTab('websocket');
  await world.stopDjango();
  await isKeptOut(tab);
  const mark = tab.mark;
  await world.startDjango();
  await comesIn(tab, mark);
});

it('a session that lives goes on while Django is down, also over a restart of Dobby', async () => {
  const tab = await openTab('websocket');
  await world.stopDjango();
  const mark = tab.mark;
  await world.restartDobby('SIGKILL');
  expect((await tab.until('opened', () => true, mark))['frame']).toMatchObject({ id: tab.id, resumed: true });
  await world.publish(PATH, 'still here');
  await tab.hears(PATH, 'still here', mark);
  await world.startDjango();
});

it('a Django with another secret answers 401, and nobody is let in; the log says why', async () => {
  const tab = await openTab('event-stream');
  await world.stopDjango();
  await world.startDjango({ DOBBY_WEBHOOK_SECRET: 'another-secret-of-the-tests-0123456789' });
  await isKeptOut(tab);
  expect(world.dobbyOutput).toContain('status 401: does it have the same webhook secret?');
  const mark = tab.mark;
  await world.stopDjango();
  await world.startDjango();
  await comesIn(tab, mark);
});

it.each([
  { kind: 'html', transport: 'long-poll', log: 'is not application/json' },
  { kind: 'late', transport: 'websocket', log: 'no answer in time' },
] as const)('an answer that is $kind lets nobody in; the log says why', async ({ kind, transport, log }) => {
  const tab = await openTab(transport);
  await world.fault(kind);
  await isKeptOut(tab);
  expect(world.dobbyOutput).toContain(log);
  const mark = tab.mark;
  await world.fault('');
  await comesIn(tab, mark);
});

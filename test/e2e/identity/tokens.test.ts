/** Tokens that live for seconds: they are renewed while a page is open, and a page that slept through its token's end comes back by itself. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startChromium } from './browser.js';
import { Device, type Tab } from './tab.js';
import { BY_TOKEN, TRANSPORTS } from './ways.js';
import { World } from './world.js';

const MAIL = 'of/ann/mail';
const BOOK = 'book/3';
/** A fifth of it is what a renewal may take. */
const LIFE_SECONDS = 6;
const PACE_MS = 40;
const DEADLINE_MS = 20_000;

let browser: Browser;
let world: World;

beforeAll(async () => {
  [browser, world] = await Promise.all([startChromium(), World.start(BY_TOKEN.world)]);
});

afterAll(async () => {
  await browser?.close();
  await world?.stop();
});

/** Publishes 1, 2, … to both paths until `isEnough`; answers the last number. */
async function publishUntil(isEnough: () => boolean, missing: () => string): Promise<number> {
  const deadline = Date.now() + DEADLINE_MS;
  for (let n = 1; ; n++) {
    await world.publish(MAIL, n);
    await world.publish(BOOK, n);
    if (isEnough()) return n;
    if (Date.now() > deadline) throw new Error(`not within ${DEADLINE_MS} ms: ${missing()}`);
    await new Promise((resolve) => setTimeout(resolve, PACE_MS));
  }
}

/** Every number was heard on both paths, once and in order, in the one session, and no gap was told. */
async function heardAll(tab: Tab, last: number): Promise<void> {
  const all = Array.from({ length: last }, (_, i) => i + 1);
  for (const path of [MAIL, BOOK]) {
    await tab.hears(path, last);
    expect(tab.heard(path), `${tab.name}, ${path}`).toEqual(all);
  }
  expect(tab.all('gap')).toEqual([]);
  expect(tab.ids).toHaveLength(1);
}

const renewals = (tab: Tab, url: string): number =>
  tab.all('token').filter((told) => told['reason'] === 'renew' && String(told['url']).startsWith(url)).length;

it('tokens of both kinds are renewed before they expire, and no update is lost or doubled, over each transport', async () => {
  const ann = await Device.open(browser, world, 'ann');
  const opening = TRANSPORTS.map(async (transport) => {
    const options = BY_TOKEN.page([MAIL, BOOK], transport);
    const tokens = { sessionSeconds: LIFE_SECONDS, paths: [BOOK], pathSeconds: LIFE_SECONDS };
    const tab = await ann.tab({ ...options, tokens });
    await Promise.all([tab.subscribed(MAIL), tab.subscribed(BOOK)]);
    return tab;
  });
  const tabs = await Promise.all(opening);
  const last = await publishUntil(
    () => tabs.every((tab) => renewals(tab, '/token/') >= 2 && renewals(tab, '/path-token/') >= 2),
    () => `two renewals of each kind in ${tabs.map((tab) => JSON.stringify(tab.all('token').length))}`,
  );
  for (const tab of tabs) {
    await heardAll(tab, last);
    expect(tab.all('opened')).toHaveLength(1);
    expect(tab.all('error')).toEqual([]);
  }
  await ann.context.close();
});

it('a tab that slept beyond the end of its token comes back to its session by itself, and has missed nothing', async () => {
  const ann = await Device.open(browser, world, 'ann');
  const [mail, book] = ['of/ann/slept', 'book/4'];
  const options = BY_TOKEN.page([mail, book], 'websocket');
  const tokens = { sessionSeconds: 3, paths: [book], pathSeconds: 3 };
  const tab = await ann.tab({ ...options, tokens });
  await Promise.all([tab.subscribed(mail), tab.subscribed(book)]);
  // Chromium freezes no page that is seen, and Playwright's always are: this stops it in the middle of an update.
  const devTools = await ann.context.newCDPSession(tab.page);
  await devTools.send('Debugger.enable');
  const asleep = new Promise((resolve) => devTools.once('Debugger.paused', resolve));
  await devTools.send('Debugger.pause');
  await world.publish(mail, 1);
  await asleep;
  const mark = tab.mark;
  await hasNoConnection(tab.id);
  expect(tab.told.slice(mark), 'it slept').toEqual([]);
  for (const n of [2, 3]) await world.publish(mail, n);
  for (const n of [1, 2, 3]) await world.publish(book, n);
  await devTools.send('Debugger.disable');
  const opened = await tab.until('opened', () => true, mark);
  expect(opened['frame'].resumed).toBe(true);
  for (const path of [mail, book]) {
    await tab.hears(path, 3);
    expect(tab.heard(path)).toEqual([1, 2, 3]);
  }
  expect(tab.all('gap')).toEqual([]);
  expect(tab.ids).toHaveLength(1);
  await ann.context.close();
});

/** Waits until Dobby has closed the connection of a session. */
async function hasNoConnection(id: string): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const { sessions } = await world.api<{ sessions: { id: string; transport: string | null }[] }>(
      'sessions',
    );
    const session = sessions.find((each) => each.id === id);
    if (session === undefined) throw new Error('the session is gone');
    if (session.transport === null) return;
    if (Date.now() > deadline) throw new Error('Dobby did not close the connection when its token expired');
    await new Promise((resolve) => setTimeout(resolve, PACE_MS));
  }
}

/** What a page costs its back end, counted by Django itself: one request when it opens, however many paths, and one when its session was lost. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startChromium } from './browser.js';
import { Device, type Tab } from './tab.js';
import { BY_SESSION } from './ways.js';
import { type Counts, World } from './world.js';

const PATHS = Array.from({ length: 40 }, (_, n) => `list/${n}`);
const ONE: Counts = { session: 1 };
const NONE: Counts = {};

let browser: Browser;
let world: World;
let forgetful: World;
const measured: Record<string, Counts> = {};

beforeAll(async () => {
  [browser, world, forgetful] = await Promise.all([
    startChromium(),
    World.start({ asksBackEnd: true }),
    World.start({ asksBackEnd: true, flags: ['--no-tickets'] }),
  ]);
});

afterAll(async () => {
  const figures = Object.entries(measured).map(([what, counts]) => `${what} ${JSON.stringify(counts)}`);
  console.log(`requests to Django for a page with ${PATHS.length} paths: ${figures.join('; ')}`);
  await browser?.close();
  await Promise.all([world?.stop(), forgetful?.stop()]);
});

/** Does something; notes what it costs until all paths are heard again, and an update of one has come. */
async function cost(on: World, tab: Tab, what: string, act: () => Promise<unknown>): Promise<Counts> {
  const before = await on.counts();
  const mark = tab.mark;
  await act();
  await tab.until('opened', () => true, mark);
  for (const path of PATHS) await tab.subscribed(path, mark);
  await on.publish(PATHS[7] as string, what);
  await tab.hears(PATHS[7] as string, what, mark);
  const counts = await on.countsSince(before);
  measured[what] = counts;
  return counts;
}

it('a page of 40 paths costs one request when it opens or its session is lost, and none over a restart or a crash', async () => {
  const ann = await Device.open(browser, world, 'ann');
  const before = await world.counts();
  const tab = await ann.tab(BY_SESSION.page(PATHS, 'websocket'));
  for (const path of PATHS) await tab.subscribed(path);
  measured['open'] = await world.countsSince(before);
  expect(measured['open']).toEqual(ONE);

  const { id } = tab;
  expect(await cost(world, tab, 'kick with reconnect', () => world.api('kick', { id }))).toEqual(ONE);
  expect(tab.id).not.toBe(id);
  expect(await cost(world, tab, 'reload', () => tab.page.reload())).toEqual(ONE);

  const kept = tab.id;
  expect(await cost(world, tab, 'orderly restart', () => world.restartDobby('SIGTERM'))).toEqual(NONE);
  expect(await cost(world, tab, 'kill -9 with tickets', () => world.restartDobby('SIGKILL'))).toEqual(NONE);
  expect(tab.opened).toMatchObject({ id: kept, resumed: true });
  await ann.context.close();
});

it('without tickets that say who one is, a crash costs one request more, and an orderly restart none', async () => {
  const ann = await Device.open(browser, forgetful, 'ann');
  const tab = await ann.tab(BY_SESSION.page(PATHS, 'websocket'));
  for (const path of PATHS) await tab.subscribed(path);
  const restart = (signal: 'SIGTERM' | 'SIGKILL') => () => forgetful.restartDobby(signal);
  expect(await cost(forgetful, tab, 'orderly restart with --no-tickets', restart('SIGTERM'))).toEqual(NONE);
  expect(await cost(forgetful, tab, 'kill -9 with --no-tickets', restart('SIGKILL'))).toEqual(ONE);
  await ann.context.close();
});

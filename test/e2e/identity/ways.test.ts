/** Each way to hear a path, in a real Chromium with a real Django; and all of them in one page. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChromium } from './browser.js';
import { Device, type PageWindow, type Tab } from './tab.js';
import { BY_CONNECT, BY_SESSION, BY_TOKEN, TRANSPORTS, WAYS } from './ways.js';
import { World } from './world.js';

/** The view of Django that each way asks. */
const VIEW = new Map([
  [BY_CONNECT, 'connect'],
  [BY_SESSION, 'session'],
  [BY_TOKEN, 'token'],
]);

let browser: Browser;
let worlds: ReadonlyMap<object, World>;

beforeAll(async () => {
  const started = WAYS.map(async (way) => [way, await World.start(way.world)] as const);
  worlds = new Map(await Promise.all(started));
  browser = await startChromium();
});

afterAll(async () => {
  await browser?.close();
  await Promise.all([...worlds.values()].map((world) => world.stop()));
});

const worldOf = (way: object): World => worlds.get(way) as World;

describe.each(WAYS)('by $name', (way) => {
  it('ann hears what is hers and is refused what is not, over each transport, for one request each', async () => {
    const world = worldOf(way);
    const ann = await Device.open(browser, world, 'ann');
    const before = await world.counts();
    // One path differs: equal questions at the same time are asked once.
    const paths = (own: string) => ['of/ann/mail', 'of/bob/mail', 'open/news', `of/ann/${own}`];
    const tabs = await Promise.all(
      TRANSPORTS.map((transport) => ann.tab(way.page(paths(transport), transport))),
    );
    for (const tab of tabs) {
      await tab.subscribed('of/ann/mail');
      // Nobody has anything to say of what a token does not name.
      const code = way === BY_TOKEN ? 'not_granted' : 'connect_refused';
      expect((await tab.refused('of/bob/mail'))['code']).toBe(code);
      await tab.subscribed('open/news');
    }
    for (const path of ['of/bob/mail', 'of/ann/mail', 'open/news']) await world.publish(path, `to ${path}`);
    for (const tab of tabs) {
      await tab.hears('open/news', 'to open/news');
      expect(tab.heard('of/ann/mail')).toEqual(['to of/ann/mail']);
      expect(tab.heard('of/bob/mail')).toEqual([]);
    }
    const opened = tabs.map((tab) => tab.all('opened').map(({ transport }) => transport));
    expect(opened).toEqual(TRANSPORTS.map((transport) => [transport]));
    const view = VIEW.get(way) as string;
    expect(await world.countsSince(before)).toEqual({ [view]: TRANSPORTS.length });
    await ann.context.close();
  });

  it('nobody hears what is public, and nothing of hers', async () => {
    const world = worldOf(way);
    const nobody = await Device.open(browser, world);
    const { tokens: _, ...options } = way.page(['of/ann/mail', 'open/news'], 'websocket');
    const tab = await nobody.tab(options);
    await tab.subscribed('open/news');
    await tab.refused('of/ann/mail');
    await world.publish('of/ann/mail', 'not for nobody');
    await world.publish('open/news', 'for all');
    await tab.hears('open/news', 'for all');
    expect(tab.heard('of/ann/mail')).toEqual([]);
    await nobody.context.close();
  });
});

it('a page of public paths costs Django nothing, on a server that is told of nothing else', async () => {
  const world = worldOf(BY_CONNECT);
  const nobody = await Device.open(browser, world);
  const before = await world.counts();
  const tab = await nobody.tab({ paths: ['open/news', 'open/weather'] });
  await Promise.all([tab.subscribed('open/news'), tab.subscribed('open/weather')]);
  expect(await world.countsSince(before)).toEqual({});
  await nobody.context.close();
});

/** Publishes to each path, and to ann's neighbour; each is heard once. */
async function hearsEach(world: World, tab: Tab, paths: readonly string[]): Promise<void> {
  for (const path of paths) await tab.subscribed(path);
  for (const path of ['of/bob/mail', ...paths]) await world.publish(path, `mixed ${path}`);
  for (const path of paths) {
    await tab.hears(path, `mixed ${path}`);
    expect(tab.heard(path).filter((message) => message === `mixed ${path}`)).toHaveLength(1);
  }
  expect(tab.heard('of/bob/mail')).toEqual([]);
}

describe('in one page', () => {
  const join = (tab: Tab, paths: string[]): Promise<number> =>
    tab.page.evaluate((names) => (window as never as PageWindow).join(names), paths);

  it('the session view, a token of a path, a public path and one connected unasked go together', async () => {
    const world = worldOf(BY_SESSION);
    const ann = await Device.open(browser, world, 'ann');
    const before = await world.counts();
    const options = BY_SESSION.page(['of/ann/mail', 'book/3', 'open/news', 'of/bob/mail'], 'websocket');
    const tab = await ann.tab({ ...options, tokens: { paths: ['book/3'] } });
    await tab.until('opened');
    expect(await join(tab, ['unasked/1'])).toBe(200);
    await hearsEach(world, tab, ['of/ann/mail', 'book/3', 'open/news', 'unasked/1']);
    expect((await tab.refused('of/bob/mail'))['code']).toBe('connect_refused');
    // By the session view one path for each of the two that it was asked for; the token's own path is not its affair.
    expect(await world.countsSince(before)).toEqual({ session: 1, 'path-token': 1, join: 1 });
    await ann.context.close();
  });

  it('a token of the session, one of a path, the session view for the rest and a public path go together', async () => {
    const world = worldOf(BY_SESSION);
    const ann = await Device.open(browser, world, 'ann');
    const before = await world.counts();
    const options = BY_SESSION.page(
      ['of/ann/mail', 'book/3', 'book/4', 'open/news', 'of/bob/mail'],
      'websocket',
    );
    const tab = await ann.tab({ ...options, tokens: { sessionSeconds: 3600, paths: ['book/3'] } });
    await hearsEach(world, tab, ['of/ann/mail', 'book/3', 'book/4', 'open/news']);
    expect((await tab.refused('of/bob/mail'))['code']).toBe('connect_refused');
    expect(await world.countsSince(before)).toEqual({ session: 1, token: 1, 'path-token': 1 });
    await ann.context.close();
  });

  it('the connect view, tokens of both kinds and a public path go together', async () => {
    const world = worldOf(BY_CONNECT);
    const ann = await Device.open(browser, world, 'ann');
    const before = await world.counts();
    const options = BY_CONNECT.page(
      ['of/ann/mail', 'book/3', 'book/4', 'open/news', 'of/bob/mail'],
      'websocket',
    );
    const tab = await ann.tab({ ...options, tokens: { sessionSeconds: 3600, paths: ['book/3'] } });
    await hearsEach(world, tab, ['of/ann/mail', 'book/3', 'book/4', 'open/news']);
    expect((await tab.refused('of/bob/mail'))['code']).toBe('connect_refused');
    expect(await world.countsSince(before)).toEqual({ connect: 1, token: 1, 'path-token': 1 });
    await ann.context.close();
  });
});

/** Who may no longer hear something is told within a second of the change in Django: a user who is deactivated, put out of a group, or followed by another in the same browser. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChromium } from './browser.js';
import { Device, logInWithin, type PageWindow, type Tab } from './tab.js';
import { BY_TOKEN, TRANSPORTS, type Transport, WAYS } from './ways.js';
import { World } from './world.js';

const PATH = 'of/ann/mail';

let browser: Browser;

beforeAll(async () => {
  browser = await startChromium();
});

afterAll(() => browser?.close());

describe.each(WAYS)('by $name', (way) => {
  let world: World;

  beforeAll(async () => {
    world = await World.start(way.world);
  });

  afterAll(() => world?.stop());

  const openTabs = (
    user: string,
    paths: readonly string[],
    transports: readonly Transport[],
  ): Promise<Tab[]> =>
    Device.open(browser, world, user).then((device) =>
      Promise.all(
        transports.map(async (transport) => {
          const tab = await device.tab(way.page([...paths, 'open/news'], transport));
          await Promise.all([...paths, 'open/news'].map((path) => tab.subscribed(path)));
          return tab;
        }),
      ),
    );

  /** Every tab is told within a second of `since` that its session has ended; where in its story. */
  async function kicked(tabs: readonly Tab[], since: number): Promise<number[]> {
    const told = await Promise.all(tabs.map((tab) => tab.until('kicked')));
    const tookMs = told.map(({ at }) => at - since);
    console.log(`by ${way.name}: a user's tabs were told of the change after ${tookMs.join(', ')} ms`);
    for (const ms of tookMs) expect(ms).toBeLessThan(1_000);
    return told.map((each, i) => (tabs[i] as Tab).told.indexOf(each));
  }

  it('a user who is deactivated is out on all tabs, and nobody else is', async () => {
    const [tabs, [bob]] = await Promise.all([
      openTabs('dora', ['of/dora/mail'], TRANSPORTS),
      openTabs('bob', ['of/bob/mail'], ['websocket']),
    ]);
    const since = Date.now();
    await world.change('dora', { active: false });
    const marks = await kicked(tabs, since);
    for (const [i, tab] of tabs.entries()) {
      if (way === BY_TOKEN) await tab.until('token', ({ status }) => status === 401, marks[i]);
      else await Promise.all([tab.refused('of/dora/mail', marks[i]), tab.subscribed('open/news', marks[i])]);
    }
    for (const path of ['of/dora/mail', 'of/bob/mail', 'open/news']) await world.publish(path, 'later');
    await bob?.hears('of/bob/mail', 'later');
    for (const tab of tabs) {
      if (way !== BY_TOKEN) await tab.hears('open/news', 'later');
      expect(tab.heard('of/dora/mail')).toEqual([]);
    }
    expect(bob?.ids).toHaveLength(1);
    await Promise.all([tabs[0], bob].map((tab) => tab?.page.context().close()));
  });

  it("a user who is put out of a group is asked about anew: what was the group's ends, the rest goes on", async () => {
    const tabs = await openTabs('gus', ['of/gus/mail', 'team/crew'], ['event-stream']);
    const since = Date.now();
    await world.change('gus', { crew: false });
    const marks = await kicked(tabs, since);
    await Promise.all(
      tabs.map((tab, i) =>
        Promise.all([tab.refused('team/crew', marks[i]), tab.subscribed('of/gus/mail', marks[i])]),
      ),
    );
    for (const path of ['team/crew', 'of/gus/mail']) await world.publish(path, 'later');
    for (const tab of tabs) {
      await tab.hears('of/gus/mail', 'later');
      expect(tab.heard('team/crew')).toEqual([]);
    }
    await tabs[0]?.page.context().close();
  });

  it('the next user of the same page hears what is theirs and nothing of who was there before, without a reload', async () => {
    const device = await Device.open(browser, world, 'ann');
    const options = way.page([PATH, 'of/bob/mail'], 'websocket');
    const [tab, other] = (await device.tabs(2, options)) as [Tab, Tab];
    await Promise.all([tab.subscribed(PATH), other.subscribed(PATH)]);
    const ids = [tab.id, other.id];
    await tab.page.click('#logout');
    await tab.until('logged out');
    // An answer to the old cookie takes it away: who logs in before it has come loses the new one.
    for (const each of [tab, other]) {
      const { at } = await each.until('kicked');
      if (way === BY_TOKEN) await each.until('token', ({ status }) => status === 401);
      else await each.until('refused', (told) => told['path'] === PATH && told.at >= at);
    }
    const mark = tab.mark;
    await logInWithin(tab, 'bob');
    // A page that changes its user asks anew for what the one before was refused.
    await tab.page.evaluate(() => (window as never as PageWindow).startAnew());
    await Promise.all([tab.subscribed('of/bob/mail', mark), tab.refused(PATH, mark)]);
    for (const path of [PATH, 'of/bob/mail']) await world.publish(path, 'hello');
    await tab.hears('of/bob/mail', 'hello');
    expect([tab.heard(PATH), other.heard(PATH)]).toEqual([[], []]);
    const known = await world.sessionIds();
    for (const id of ids) expect(known).not.toContain(id);
    await device.context.close();
  });
});

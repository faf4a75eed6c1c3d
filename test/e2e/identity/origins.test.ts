/** A page of another origin, in the victim's browser and with the victim's cookies, gets nothing. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange, Refused } from '../../../server/test/transports/wires.js';
import { startChromium } from './browser.js';
import { Device, logInWithin } from './tab.js';
import { BY_SESSION, TRANSPORTS } from './ways.js';
import { World } from './world.js';

const PATH = 'of/ann/mail';
const APP = 'app.example.test';
const OPEN = { type: 'open', protocol: 1, paths: [{ path: PATH }] };

let browser: Browser;

beforeAll(async () => {
  browser = await startChromium();
});

afterAll(() => browser?.close());

describe('a page of another origin', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start({ ...BY_SESSION.world, host: APP });
  });

  afterAll(() => world?.stop());

  /** A device on which ann has logged in at the app, whose host name only the browser knows. */
  async function annAtTheApp(): Promise<Device> {
    const device = await Device.open(browser, world);
    const tab = await device.tab({ paths: [] }, APP);
    await logInWithin(tab, 'ann');
    await tab.page.close();
    return device;
  }

  // Browsers show a page of the same site the cookies of SameSite=Lax, one of another site not.
  it.each([
    { host: 'evil.example.test', shown: 1, site: 'the same site' },
    { host: 'evil.example', shown: 0, site: 'another site' },
  ])('of $site, gets nothing over any transport, and Django is not even asked', async ({ host, shown }) => {
    const ann = await annAtTheApp();
    const own = await ann.tab(BY_SESSION.page([PATH], 'websocket'), APP);
    await own.subscribed(PATH);
    const before = await world.counts();
    const known = await world.sessionIds();
    const url = world.endpointAt(APP);
    for (const transport of TRANSPORTS) {
      const options = BY_SESSION.page([PATH, 'open/news'], transport);
      const evil = await ann.tab({ ...options, pomona: { ...options.pomona, url } }, host);
      const first = await evil.until('error');
      await evil.until('error', () => true, evil.told.indexOf(first) + 1);
      await world.publish(PATH, `a secret, ${transport}`);
      await own.hears(PATH, `a secret, ${transport}`);
      expect(evil.all('opened')).toEqual([]);
      // Its requests do carry her cookies where the site is the same: that is not what keeps it out.
      await evil.page.evaluate(
        (address) => fetch(address, { mode: 'no-cors', credentials: 'include' }),
        `${world.page(APP)}/token/`,
      );
      await evil.page.close();
    }
    const after = await world.counts();
    expect((after['token with cookie'] ?? 0) - (before['token with cookie'] ?? 0)).toBe(3 * shown);
    expect(await world.countsSince(before)).toEqual({ token: 3 });
    expect((await world.sessionIds()).sort()).toEqual(known.sort());
    await ann.context.close();
  });

  it('is refused by name, and without an origin cookies are shown to nobody', async () => {
    const ann = await annAtTheApp();
    const cookies = await ann.context.cookies(world.page(APP));
    const Cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    const ask = (headers: Record<string, string>) => exchange(world.endpoint, OPEN, { ...headers, Cookie });
    const refused = await ask({ Origin: 'http://evil.example' }).catch((error: unknown) => error);
    expect((refused as Refused).answer).toMatchObject({ error: { code: 'origin_not_allowed' } });
    expect(refused).toBeInstanceOf(Refused);
    const told = JSON.stringify(await ask({}));
    expect(told).toContain('"connect_refused"');
    // The same cookies count where a page of the app brings them.
    expect(JSON.stringify(await ask({ Origin: world.page(APP) }))).not.toContain('"connect_refused"');
    await ann.context.close();
  });
});

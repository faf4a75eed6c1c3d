/** The sample from end to end: Dobby, Django and two browsers, none of them a double. */
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser } from '../../test/person.js';
import { Sample } from '../../test/sample.js';
import { ATTACKS, Attacker } from './attacker.js';
import { Visitor } from './visitor.js';

const PICTURES = fileURLToPath(new URL('../../../test-output/contacts/', import.meta.url));

let sample: Sample;
let browser: Browser;
let ada: Visitor;
let grace: Visitor;

beforeAll(async () => {
  sample = await Sample.start('contacts');
  browser = await startBrowser();
  ada = await Visitor.login(browser, sample, 'ada');
  grace = await Visitor.login(browser, sample, 'grace');
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await sample?.stop();
});

/** Opens a visitor's page, changes something when it is rendered but not yet connected, and lets it go on. */
async function changeWhileLoading(visitor: Visitor, change: () => Promise<void>): Promise<void> {
  let release = (): void => {};
  const isReleased = new Promise<void>((resolve) => (release = resolve));
  await visitor.page.route('**/pomona.js', async (route) => {
    await isReleased;
    await route.continue();
  });
  await visitor.page.goto(`${sample.url}/`, { waitUntil: 'commit' });
  await visitor.sees('contacts', 'Alan Turing');
  visitor.forget();
  await change();
  release();
  await visitor.isLive();
  await visitor.page.unroute('**/pomona.js');
}

describe('the race between rendering a page and hearing the first update', () => {
  it('is closed by the position at which the page was rendered, even when nobody listened', async () => {
    await changeWhileLoading(ada, async () => {
      expect(await grace.post('/contacts/', { path: 'contacts', name: 'Rosa Early' })).toBe(200);
    });
    await ada.sees('contacts', 'Rosa Early');
    expect(ada.requests).not.toContain('GET /lists/?path=contacts');
  });

  it('is closed by the position, without another request, when there was one', async () => {
    await changeWhileLoading(grace, () => ada.add('contacts', { name: 'Hedy Between' }));
    await grace.sees('contacts', 'Hedy Between');
    expect(grace.requests).not.toContain('GET /lists/?path=contacts');
  });
});

describe('with two browsers open', () => {
  beforeAll(async () => {
    await ada.open();
    await grace.open();
  });

  it('shows a contact saved in one in the other, and what is changed of it', async () => {
    await ada.add('contacts', { name: 'Emmy Noether', phone: '+49 9131 5550', email: 'emmy@ring.example' });
    await grace.sees('contacts', 'Emmy Noether');
    await grace.change('contacts', 'Emmy Noether', { phone: '+1 215 555 0100' });
    await ada.sees('contacts', '+1 215 555 0100');
    expect(await ada.row('contacts', 'Emmy Noether').count()).toBe(1);
    const href = await ada.row('contacts', 'Emmy Noether').locator('.phone').getAttribute('href');
    expect(href).toBe('tel:+12155550100');
  });

  it('shows a delete in the other', async () => {
    await grace.add('contacts', { name: 'Gone Soon' });
    await ada.sees('contacts', 'Gone Soon');
    await ada.delete('contacts', 'Gone Soon');
    await grace.seesNoMore('contacts', 'Gone Soon');
  });

  it('tells whoever edits a contact that somebody else has saved it', async () => {
    await ada.row('contacts', 'Katherine Johnson').getByRole('button', { name: 'edit' }).click();
    await grace.change('contacts', 'Katherine Johnson', { email: 'kj@langley.example' });
    await ada.waits(ada.page.locator('#editor .note', { hasText: 'Somebody has just saved' }), 'warns');
    await ada.page.screenshot({ path: `${PICTURES}wide-conflict.png` });
    await ada.page.keyboard.press('Escape');
  });

  it('shows what Django refuses, beside the field', async () => {
    await ada.list('contacts').locator('.add').click();
    await ada.page.locator('#editor [name=email]').fill('nobody');
    await ada.page.locator('#editor [value=save]').click();
    await ada.waits(ada.page.locator('#fault-name', { hasText: 'required' }), 'says that a name is required');
    await ada.waits(ada.page.locator('#fault-email', { hasText: 'valid email' }), 'says what is wrong');
    await ada.page.screenshot({ path: `${PICTURES}wide-errors.png` });
    await ada.page.keyboard.press('Escape');
  });

  it("shows another team's list as refused, and none of its contacts", async () => {
    for (const [visitor, path] of [
      [ada, 'contacts/compilers'],
      [grace, 'contacts/engines'],
    ] as const) {
      await visitor.waits(
        visitor.list(path).and(visitor.page.locator('[data-state=refused]')),
        `shows ${path} as refused`,
      );
      await visitor.waits(visitor.list(path).getByText(`You may not hear ${path}`), 'says why');
      expect(await visitor.list(path).locator('.row').count()).toBe(0);
      const answer = await visitor.context.request.get(`${sample.url}/lists/`, { params: { path } });
      expect(answer.status()).toBe(403);
    }
    await grace.add('contacts/compilers', { name: 'Inner Circle' });
    await grace.add('contacts', { name: 'Open Door' });
    await ada.sees('contacts', 'Open Door');
    expect(await ada.page.getByText('Inner Circle').count()).toBe(0);
    expect(await ada.post('/contacts/', { path: 'contacts/compilers', name: 'Intruder' })).toBe(403);
  });

  it('shows names as text, whether pushed or rendered', async () => {
    const name = `</script><img src=x onerror="document.title='broken'">`;
    await ada.add('contacts', { name });
    await grace.sees('contacts', name);
    await grace.open();
    await grace.sees('contacts', name);
    expect(await grace.page.title()).toBe('Contacts');
    expect(await grace.page.locator('main img').count()).toBe(0);
    await grace.delete('contacts', name);
    await ada.seesNoMore('contacts', name);
  });

  it('looks well, wide and narrow, light and dark', async () => {
    for (const [width, height, name] of [
      [1280, 800, 'wide'],
      [375, 812, 'narrow'],
    ] as const) {
      await ada.page.setViewportSize({ width, height });
      for (const colorScheme of ['light', 'dark'] as const) {
        await ada.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        expect(await ada.overflow(), `${name}: pixels that stick out on the right`).toBe(0);
        await ada.page.screenshot({ path: `${PICTURES}${name}-${colorScheme}.png`, fullPage: true });
      }
    }
    await ada.list('contacts').locator('.add').click();
    await ada.page.screenshot({ path: `${PICTURES}narrow-editor.png` });
    await ada.page.keyboard.press('Escape');
    await ada.page.setViewportSize({ width: 1280, height: 800 });
  });

  it('comes back by itself after Dobby was killed, with what changed meanwhile', async () => {
    await ada.add('contacts', { name: 'Sent Away' });
    await grace.sees('contacts', 'Sent Away');
    for (const visitor of [ada, grace]) {
      await visitor.holdsGrants();
      visitor.forget();
    }

    const command = await sample.kill('Dobby');
    for (const visitor of [ada, grace]) {
      await visitor.waits(visitor.page.locator('#connection[data-state=waiting]'), 'says that Dobby is away');
      await visitor.waits(
        visitor.page.locator('.list[data-path=contacts][data-state=paused]'),
        'says so in the list',
      );
    }
    await ada.add('contacts', { name: 'Saved Meanwhile' });
    await ada.delete('contacts', 'Sent Away');
    await ada.sees('contacts', 'Saved Meanwhile');
    await grace.page.screenshot({ path: `${PICTURES}wide-away.png` });
    await ada.page.setViewportSize({ width: 375, height: 812 });
    await ada.page.screenshot({ path: `${PICTURES}narrow-away.png` });
    await ada.page.setViewportSize({ width: 1280, height: 800 });
    expect(await grace.row('contacts', 'Saved Meanwhile').count()).toBe(0);

    const late = await Visitor.login(browser, sample, 'ada');
    await late.page.goto(`${sample.url}/`);
    await late.sees('contacts', 'Saved Meanwhile');
    await late.waits(late.page.locator('#connection[data-state=waiting]'), 'says that Dobby is away');

    await sample.restart('Dobby', command);
    for (const visitor of [ada, grace, late]) await visitor.isLive();
    await grace.sees('contacts', 'Saved Meanwhile');
    await grace.seesNoMore('contacts', 'Sent Away');
    expect(grace.requests).toContain('GET /lists/?path=contacts');
    expect(grace.requests, 'the ticket brings the grants back').not.toContain('POST /dobby/connect');

    await grace.add('contacts', { name: 'Saved Afterwards' });
    for (const visitor of [ada, late]) await visitor.sees('contacts', 'Saved Afterwards');
    expect([ada.loads, grace.loads], 'documents loaded meanwhile').toEqual([0, 0]);
  });

  it('does nothing that a page should not', () => {
    expect([...ada.faults, ...grace.faults]).toEqual([]);
  });
});

describe("a page of another origin that posts an attacker's id to the connect view", () => {
  let attacker: Attacker;

  beforeAll(async () => {
    attacker = await Attacker.start(sample);
  });

  afterAll(() => attacker.stop());

  async function subscriptionsOf(id: string): Promise<number | undefined> {
    const { sessions } = (await sample.api('sessions', { limit: 1000 })) as {
      sessions: { id: string; subscriptions: number }[];
    };
    return sessions.find((session) => session.id === id)?.subscriptions;
  }

  describe.each([
    { site: 'of another site', hostname: 'localhost', isSameSite: false },
    // Cookies know nothing of ports: the victim's travel with it, and only the token protects.
    { site: 'of the same host on another port', hostname: '127.0.0.1', isSameSite: true },
  ])('$site', ({ hostname, isSameSite }) => {
    it.each(ATTACKS)('connects nothing with a %s', async (how) => {
      const id = await attacker.openSession();
      const { status, hadCookies } = await attacker.attack(ada.context, hostname, how, id);
      expect(status).toBe(how === 'fetch of JSON' ? 0 : 403);
      if (how === 'form') expect(hadCookies).toBe(isSameSite);
      expect(await subscriptionsOf(id)).toBe(0);
    });
  });

  it("does what only the sample's own page can do: the same post from there does connect", async () => {
    const id = await attacker.openSession();
    const answer = await ada.page.evaluate(async (uid) => {
      const token = /csrftoken=(\w+)/.exec(document.cookie)?.[1] ?? '';
      const response = await fetch('/dobby/connect', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-CSRFToken': token },
        body: JSON.stringify({ uid, paths: ['contacts', 'contacts/compilers'] }),
      });
      return response.json();
    }, id);
    expect(answer).toEqual({ refused: ['contacts/compilers'] });
    expect(await subscriptionsOf(id)).toBe(1);
  });
});

describe('whoever is not logged in', () => {
  it('is sent to the login, and gets no list', async () => {
    const context = await browser.newContext({ viewport: { width: 375, height: 812 } });
    const page = await context.newPage();
    await page.goto(sample.url);
    await page.getByRole('button', { name: 'Log in' }).waitFor({ timeout: 15_000 });
    await page.screenshot({ path: `${PICTURES}narrow-login.png` });
    const answer = await context.request.get(`${sample.url}/lists/?path=contacts`, { maxRedirects: 0 });
    expect(answer.status()).toBe(302);
    await context.close();
  });
});

it('stops Dobby and Django when it is told to', async () => {
  expect(await sample.stop()).toBe(0);
  for (const url of [sample.url, sample.dobbyUrl]) await expect(fetch(url)).rejects.toThrow('fetch failed');
});

/** The pages in a real browser, whose cookies go where cookies go: Dobby has another port. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowser } from '../../test/person.js';
import { Example } from './example.js';

let example: Example;
let browser: Browser;

beforeAll(async () => {
  [example, browser] = await Promise.all([Example.start('Express'), startBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await example?.stop();
});

const shows = (page: Page, text: string, timeout = 10_000) =>
  page.waitForSelector(`li:text-is("${text}")`, { timeout });

/** Pushes until the page shows it: nothing on the page says that it is subscribed. */
async function pushUntil(page: Page, message: string): Promise<void> {
  const shown = shows(page, `ledger: ${message}`);
  const again = setInterval(() => void example.api('update', { path: 'ledger', message }), 50);
  await shown.finally(() => clearInterval(again));
}

it.each(['session', 'tokens'])(
  'the page "%s" hears, and is sent away by a logout elsewhere',
  async (name) => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(example.url);
    await page.fill('[name=user]', 'ann');
    await page.fill('[name=password]', 'ann-1815');
    await page.click('button');
    await page.getByText('Log out').waitFor();
    await page.goto(`${example.url}/${name}.html`);
    await pushUntil(page, `for ${name}`);
    const home = await context.newPage();
    await home.goto(example.url);
    await home.click('button');
    if (name === 'session') await shows(page, 'lobby: connect_refused');
    else await page.waitForURL(`${example.url}/`, { timeout: 10_000 });
    await context.close();
  },
);

it('cookies come with WebSockets, and with event streams where the page includes them', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await context.request.post(`${example.url}/login`, { form: { user: 'ann', password: 'ann-1815' } });
  await page.goto(example.url);
  const outcome = (options: object) =>
    // As text, so that the import stays the browser's.
    page.evaluate(`(async () => {
      const dobby = '${example.dobbyUrl}';
      const { Pomona } = await import(dobby + '/pomona.js');
      const pomona = new Pomona({ url: dobby + '/comet', ...${JSON.stringify(options)} });
      const { ready } = pomona.connect('ledger', () => {});
      return ready.then(() => 'subscribed', ({ code }) => code).finally(() => pomona.close());
    })()`);
  expect(await outcome({ transports: ['websocket'] })).toBe('subscribed');
  expect(await outcome({ transports: ['event-stream'] })).toBe('connect_refused');
  expect(await outcome({ transports: ['event-stream'], credentials: 'include' })).toBe('subscribed');
  expect(await outcome({ transports: ['long-poll'], credentials: 'include' })).toBe('subscribed');
  await context.close();
});

it('the page "session" of nobody is refused', async () => {
  const page = await browser.newPage();
  await page.goto(`${example.url}/session.html`);
  await shows(page, 'ledger: connect_refused');
  expect(await page.locator('li').count()).toBe(2);
  await page.close();
});

/** Somebody with a browser context of their own, logged in. Every wait has a deadline. */
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import type { Sample } from './sample.js';

/** Longer than Pomona waits between two tries at the most: 20 s. */
const DEADLINE_MS = 25_000;

/** Starts the system's Chromium. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
  });
}

/** Makes a context in which `name` is logged in; its page is not the sample's yet. */
export async function login(browser: Browser, sample: Sample, name: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(`${sample.url}/login/?next=/static/frame/frame.css`);
  await page.getByLabel('User').fill(name);
  await page.getByLabel('Password').fill(sample.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL('**/frame.css', { timeout: DEADLINE_MS });
  return page;
}

export class Person {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly name: string;
  /** What the page did that it should not: threw, or broke its content security policy. */
  readonly faults: string[] = [];
  readonly sample: Sample;
  #ticket: Promise<unknown> = Promise.resolve();

  constructor(page: Page, sample: Sample, name: string) {
    this.page = page;
    this.context = page.context();
    this.sample = sample;
    this.name = name;
    page.on('pageerror', (error) => this.faults.push(String(error)));
    page.on('console', (message) => {
      if (/Content Security Policy/i.test(message.text())) this.faults.push(message.text());
    });
    page.on('websocket', (socket) => {
      this.#ticket = socket
        .waitForEvent('framereceived', {
          predicate: ({ payload }) => String(payload).includes('"type":"ticket"'),
          timeout: 0,
        })
        .catch(() => null); // the socket has closed, and another took its place
    });
  }

  /**
   * Waits until Dobby has given the page a ticket that holds its grants, a second after they were made: a
   * Dobby that is killed before then has to have Django asked again.
   */
  async holdsGrants(): Promise<void> {
    const late = new Promise<never>((_resolve, reject) => {
      const message = `${this.name}'s page was given no ticket with its grants`;
      AbortSignal.timeout(DEADLINE_MS).addEventListener('abort', () => reject(new Error(message)));
    });
    await Promise.race([this.#ticket, late]);
  }

  async waits(
    locator: Locator,
    what: string,
    state: 'visible' | 'detached' | 'hidden' = 'visible',
  ): Promise<void> {
    await locator.waitFor({ state, timeout: DEADLINE_MS }).catch((cause) => {
      throw new Error(`${this.name}'s page never came to this: it ${what}`, { cause });
    });
  }

  /** The pixels that stick out on the right. */
  overflow(): Promise<number> {
    return this.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
  }
}

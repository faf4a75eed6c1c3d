/** A visitor: a browser context of their own, logged in, with the page open. Every wait has a deadline. */
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import type { Sample } from './sample.js';

const DEADLINE_MS = 15_000;

export class Visitor {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page did that it should not: threw, or broke its content security policy. */
  readonly faults: string[] = [];
  /** Requests to Django since the last `forget`, as `METHOD /path?query`. */
  readonly requests: string[] = [];
  /** How often a document was loaded since the last `forget`. */
  loads = 0;
  #ticket: Promise<unknown> = Promise.resolve();
  readonly #sample: Sample;
  readonly #name: string;

  /** Logs `name` in; the page itself is not open yet. */
  static async login(browser: Browser, sample: Sample, name: string): Promise<Visitor> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const visitor = new Visitor(context, await context.newPage(), sample, name);
    await visitor.#login();
    return visitor;
  }

  private constructor(context: BrowserContext, page: Page, sample: Sample, name: string) {
    this.context = context;
    this.page = page;
    this.#sample = sample;
    this.#name = name;
    page.on('load', () => this.loads++);
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
    page.on('request', (request) => {
      const { origin, pathname, search } = new URL(request.url());
      if (origin === sample.url) this.requests.push(`${request.method()} ${pathname}${search}`);
    });
  }

  async #login(): Promise<void> {
    const { page } = this;
    // The page itself is fetched when the test wants it.
    await page.goto(`${this.#sample.url}/login/?next=/static/contacts/icon.svg`);
    await page.getByLabel('User').fill(this.#name);
    await page.getByLabel('Password').fill(this.#sample.password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.waitForURL('**/icon.svg', { timeout: DEADLINE_MS });
  }

  /** Opens the page and waits until it is live. */
  async open(): Promise<void> {
    await this.page.goto(`${this.#sample.url}/`);
    await this.isLive();
    this.forget();
  }

  /**
   * Waits until Dobby has given the page a ticket that holds its grants, a second after they were made: a
   * Dobby that is killed before then has to have Django asked again.
   */
  async holdsGrants(): Promise<void> {
    const late = new Promise<never>((_resolve, reject) => {
      const message = `${this.#name}'s page was given no ticket with its grants`;
      AbortSignal.timeout(DEADLINE_MS).addEventListener('abort', () => reject(new Error(message)));
    });
    await Promise.race([this.#ticket, late]);
  }

  forget(): void {
    this.requests.length = 0;
    this.loads = 0;
  }

  list(path: string): Locator {
    return this.page.locator(`.list[data-path="${path}"]`);
  }

  row(path: string, text: string): Locator {
    return this.list(path).locator('.row', { hasText: text });
  }

  async isLive(): Promise<void> {
    await this.waits(this.page.locator('#connection[data-state=open]'), 'is connected to Dobby');
    await this.waits(
      this.page.locator('.list[data-path=contacts][data-state=subscribed]'),
      'hears "contacts"',
    );
  }

  async sees(path: string, text: string): Promise<void> {
    await this.waits(this.row(path, text), `shows "${text}" in ${path}`);
  }

  async seesNoMore(path: string, text: string): Promise<void> {
    await this.waits(this.row(path, text), `no longer shows "${text}" in ${path}`, 'detached');
  }

  async waits(locator: Locator, what: string, state: 'visible' | 'detached' = 'visible'): Promise<void> {
    await locator.waitFor({ state, timeout: DEADLINE_MS }).catch((cause) => {
      throw new Error(`${this.#name}'s page never came to this: it ${what}`, { cause });
    });
  }

  /** Adds a contact through the dialog, with the keyboard alone. */
  async add(path: string, fields: { name: string; phone?: string; email?: string }): Promise<void> {
    await this.list(path).locator('.add').press('Enter');
    await this.#fill(fields);
  }

  async change(
    path: string,
    name: string,
    fields: { name?: string; phone?: string; email?: string },
  ): Promise<void> {
    await this.row(path, name).getByRole('button', { name: 'edit' }).press('Enter');
    await this.#fill(fields);
  }

  async delete(path: string, name: string): Promise<void> {
    await this.row(path, name).getByRole('button', { name: 'delete' }).press('Enter');
    await this.page.locator('#confirm').getByRole('button', { name: 'Delete' }).press('Enter');
    await this.#closed('#confirm');
  }

  async #fill(fields: Record<string, string | undefined>): Promise<void> {
    for (const [name, value] of Object.entries(fields)) {
      await this.page.locator(`#editor [name=${name}]`).fill(value ?? '');
    }
    await this.page.locator('#editor [name=name]').press('Enter');
    await this.#closed('#editor');
  }

  async #closed(dialog: string): Promise<void> {
    await this.page
      .locator(dialog)
      .waitFor({ state: 'hidden', timeout: DEADLINE_MS })
      .catch((cause) => {
        throw new Error(`${this.#name}'s dialog ${dialog} never closed: nothing was saved`, { cause });
      });
  }

  /** Posts to Django as the page does, but not from a page. */
  async post(path: string, form: Record<string, string>): Promise<number> {
    const { url } = this.#sample;
    const cookies = await this.context.cookies(url);
    const token = cookies.find(({ name }) => name === 'csrftoken')?.value ?? '';
    const answer = await this.context.request.post(url + path, { form, headers: { 'X-CSRFToken': token } });
    return answer.status();
  }
}

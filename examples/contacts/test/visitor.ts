/** A visitor of the page of contacts. */
import type { Browser, Locator, Page } from 'playwright-core';
import { login, Person } from '../../test/person.js';
import type { Sample } from '../../test/sample.js';

const DEADLINE_MS = 15_000;

export class Visitor extends Person {
  /** Requests to Django since the last `forget`, as `METHOD /path?query`. */
  readonly requests: string[] = [];
  /** How often a document was loaded since the last `forget`. */
  loads = 0;

  /** Logs `name` in; the page itself is not open yet. */
  static async login(browser: Browser, sample: Sample, name: string): Promise<Visitor> {
    return new Visitor(await login(browser, sample, name), sample, name);
  }

  private constructor(page: Page, sample: Sample, name: string) {
    super(page, sample, name);
    page.on('load', () => this.loads++);
    page.on('request', (request) => {
      const { origin, pathname, search } = new URL(request.url());
      if (origin === sample.url) this.requests.push(`${request.method()} ${pathname}${search}`);
    });
  }

  /** Opens the page and waits until it is live. */
  async open(): Promise<void> {
    await this.page.goto(`${this.sample.url}/`);
    await this.isLive();
    this.forget();
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
        throw new Error(`${this.name}'s dialog ${dialog} never closed: nothing was saved`, { cause });
      });
  }

  /** Posts to Django as the page does, but not from a page. */
  async post(path: string, form: Record<string, string>): Promise<number> {
    const { url } = this.sample;
    const cookies = await this.context.cookies(url);
    const token = cookies.find(({ name }) => name === 'csrftoken')?.value ?? '';
    const answer = await this.context.request.post(url + path, { form, headers: { 'X-CSRFToken': token } });
    return answer.status();
  }
}

/** A device is a browser context with cookies of its own; its tabs are pages that tell what their Pomona was told. Every wait has a deadline. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { World } from './world.js';

const DEADLINE_MS = 25_000;
const PASSWORD = 'open sesame';

/** What a page is to do; it travels in the fragment. */
export interface PageOptions {
  readonly paths: readonly string[];
  /** Options of the Pomona. */
  readonly pomona?: {
    readonly transports?: readonly string[];
    readonly credentials?: 'include';
    readonly connectUrl?: string;
    readonly url?: string;
  };
  /** Tokens that Django is asked for: of the session when `sessionSeconds` is given, and of `paths`. */
  readonly tokens?: {
    readonly sessionSeconds?: number;
    readonly paths?: readonly string[];
    readonly pathSeconds?: number;
  };
}

/** Something that a page told. */
export interface Told {
  readonly kind: string;
  /** By the page's clock, which is ours. */
  readonly at: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was told
  readonly [name: string]: any;
}

/** One page. */
export class Tab {
  readonly page: Page;
  readonly name: string;
  readonly told: Told[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(page: Page, name: string) {
    this.page = page;
    this.name = name;
  }

  /** Takes what the page tells. */
  take(told: Told): void {
    this.told.push(told);
    for (const wake of this.#waiting) wake();
  }

  /** How much was told so far, for `until`. */
  get mark(): number {
    return this.told.length;
  }

  /** The first of `kind` from `since` on that fits. Rejects after a deadline, and says what was told instead. */
  async until(kind: string, fits: (told: Told) => boolean = () => true, since = 0): Promise<Told> {
    const deadline = Date.now() + DEADLINE_MS;
    for (let index = since; ; index++) {
      while (index >= this.told.length) await this.#more(deadline, () => `"${kind}" (${fits})`, since);
      const told = this.told[index] as Told;
      if (told.kind === kind && fits(told)) return told;
    }
  }

  /** Waits until Dobby says that a path is heard; Pomona itself tells its page only when that is news. */
  subscribed(path: string, since = 0): Promise<Told> {
    return this.until('answered', (told) => told['path'] === path, since);
  }

  refused(path: string, since = 0): Promise<Told> {
    return this.until('refused', (told) => told['path'] === path, since);
  }

  /** Waits for an update. */
  hears(path: string, message: unknown, since = 0): Promise<Told> {
    return this.until('heard', (told) => told['path'] === path && told['message'] === message, since);
  }

  /** The messages of a path that were heard. */
  heard(path: string): unknown[] {
    return this.told
      .filter((told) => told.kind === 'heard' && told['path'] === path)
      .map((told) => told['message']);
  }

  all(kind: string): Told[] {
    return this.told.filter((told) => told.kind === kind);
  }

  /** What `opened` said last. */
  get opened(): { id: string; ticket: string; resumed: boolean; tokenExpiresInMs?: number } {
    const last = this.all('opened').at(-1);
    if (last === undefined) throw new Error(`${this.name} has opened nothing`);
    return last['frame'];
  }

  get id(): string {
    return this.opened.id;
  }

  /** The newest ticket. */
  get ticket(): string {
    return this.told.findLast(({ kind }) => kind === 'ticket' || kind === 'opened')?.['frame'].ticket;
  }

  /** The ids of the sessions that it has had, each once. */
  get ids(): string[] {
    return [...new Set(this.all('opened').map((told) => told['frame'].id as string))];
  }

  async #more(deadline: number, missing: () => string, since: number): Promise<void> {
    const left = deadline - Date.now();
    if (left <= 0) {
      const instead = this.told.slice(since).map((told) => JSON.stringify(told).slice(0, 300));
      throw new Error(
        `${this.name} was not told ${missing()} in time; told: ${instead.join('\n') || 'nothing'}`,
      );
    }
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, left);
      this.#waiting.add(done);
    });
  }
}

/** Cookies of its own, and tabs that share them. */
export class Device {
  readonly context: BrowserContext;
  readonly world: World;
  readonly name: string;
  readonly #tabs = new Map<Page, Tab>();

  /** A device on which nobody is logged in, or `user`. */
  static async open(browser: Browser, world: World, user?: string, name = user ?? 'nobody'): Promise<Device> {
    const device = new Device(await browser.newContext(), world, name);
    await device.context.exposeBinding('tell', ({ page }, told: Told) => device.#tabs.get(page)?.take(told));
    if (user !== undefined) await device.logIn(user);
    return device;
  }

  private constructor(context: BrowserContext, world: World, name: string) {
    this.context = context;
    this.world = world;
    this.name = name;
  }

  /** Logs in by a plain form, without a page. */
  async logIn(username: string): Promise<void> {
    const base = this.world.page();
    const { request } = this.context;
    await request.get(`${base}/page/`);
    const form = { username, password: PASSWORD };
    const headers = { 'X-CSRFToken': await this.#cookie(base, 'csrftoken') };
    const answer = await request.post(`${base}/login/`, { form, headers });
    if (!answer.ok()) throw new Error(`${this.name} could not log in: HTTP ${answer.status()}`);
  }

  /** Logs out without a page; resolves when Django has answered. */
  async logOut(): Promise<void> {
    const base = this.world.page();
    const headers = { 'X-CSRFToken': await this.#cookie(base, 'csrftoken') };
    const answer = await this.context.request.post(`${base}/logout/`, { headers });
    if (!answer.ok()) throw new Error(`${this.name} could not log out: HTTP ${answer.status()}`);
  }

  /** Opens a tab that does what `options` say. */
  async tab(options: PageOptions, host?: string): Promise<Tab> {
    const page = await this.context.newPage();
    const tab = new Tab(page, `tab ${this.#tabs.size + 1} of ${this.name}`);
    this.#tabs.set(page, tab);
    page.on('pageerror', (error) => tab.take({ kind: 'page error', at: Date.now(), message: String(error) }));
    const fragment = encodeURIComponent(JSON.stringify(options));
    await page.goto(`${this.world.page(host)}/page/#${fragment}`);
    return tab;
  }

  /** Several tabs that do the same. */
  tabs(count: number, options: PageOptions): Promise<Tab[]> {
    return Promise.all(Array.from({ length: count }, () => this.tab(options)));
  }

  async #cookie(base: string, name: string): Promise<string> {
    return (await this.context.cookies(base)).find((cookie) => cookie.name === name)?.value ?? '';
  }
}

/** Logs in from within a page that goes on. */
export async function logInWithin(tab: Tab, user: string): Promise<void> {
  await tab.page.evaluate(([name, password]) => (window as never as PageWindow).logIn(name, password), [
    user,
    PASSWORD,
  ] as const);
}

/** What the page offers to tests. */
export interface PageWindow {
  logIn(name: string, password: string): Promise<void>;
  startAnew(): void;
  join(paths: readonly string[]): Promise<number>;
}

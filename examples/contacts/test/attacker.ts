/** Another web site, whose pages post to the sample's connect view with the cookies of whoever looks at them. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BrowserContext, Page, Response } from 'playwright-core';
import type { Sample } from '../../test/sample.js';

const DEADLINE_MS = 15_000;

/** The ways in which a page can post to another origin. */
export const ATTACKS = ['form', 'simple fetch', 'fetch of JSON'] as const;
type Attack = (typeof ATTACKS)[number];

/** What became of an attack. */
export interface Outcome {
  /** What Django answered, 0 when the browser did not even send it. */
  readonly status: number;
  /** Whether the victim's cookies travelled with it; seen of forms only, Playwright is not told of the others. */
  readonly hadCookies: boolean;
}

export class Attacker {
  readonly #sample: Sample;
  readonly #server: Server;

  static async start(sample: Sample): Promise<Attacker> {
    const server = createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>Win a prize</title>');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Attacker(sample, server);
  }

  private constructor(sample: Sample, server: Server) {
    this.#sample = sample;
    this.#server = server;
  }

  /** Opens a session with Dobby, which anybody may; gives its id. */
  async openSession(): Promise<string> {
    const response = await fetch(`${this.#sample.dobbyUrl}/comet`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ type: 'open', protocol: 1 }),
    });
    const { updates } = (await response.json()) as { updates: { type: string; id: string }[] };
    const opened = updates.find(({ type }) => type === 'opened');
    if (opened === undefined) throw new Error(`Dobby opened no session: ${JSON.stringify(updates)}`);
    return opened.id;
  }

  /** Shows the victim a page on `hostname` that asks for the session `id` to be connected. */
  async attack(context: BrowserContext, hostname: string, how: Attack, id: string): Promise<Outcome> {
    const { port } = this.#server.address() as AddressInfo;
    const page = await context.newPage();
    try {
      await page.goto(`http://${hostname}:${port}/`);
      const url = `${this.#sample.url}/dobby/connect`;
      const answered = page.waitForResponse((it) => it.url() === url && it.request().method() === 'POST', {
        timeout: DEADLINE_MS,
      });
      answered.catch(() => {}); // what is never sent is never answered
      const wasSent = await this.#send(page, how, url, { uid: id, paths: ['contacts'] });
      return wasSent ? await outcome(await answered) : { status: 0, hadCookies: false };
    } finally {
      await page.close();
    }
  }

  /** Sends the request; false when the browser refused to. */
  async #send(page: Page, how: Attack, url: string, body: object): Promise<boolean> {
    const json = JSON.stringify(body);
    if (how === 'form') return page.evaluate(postForm, { url, json });
    const type = how === 'fetch of JSON' ? 'application/json' : 'text/plain';
    const mode = how === 'fetch of JSON' ? ('cors' as const) : ('no-cors' as const);
    return page.evaluate(
      ({ url, json, type, mode }) =>
        fetch(url, {
          method: 'POST',
          credentials: 'include',
          mode,
          headers: { 'Content-Type': type },
          body: json,
        }).then(
          () => true,
          () => false,
        ),
      { url, json, type, mode },
    );
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

/** Runs in the page: a form can say JSON, in the disguise of text, and needs no script to be submitted. */
function postForm({ url, json }: { url: string; json: string }): boolean {
  const form = document.createElement('form');
  Object.assign(form, { method: 'post', action: url, enctype: 'text/plain' });
  const input = document.createElement('input');
  // It is sent as name=value: the "=" becomes one more path.
  Object.assign(input, { type: 'hidden', name: `${json.slice(0, -2)},"`, value: '"]}' });
  form.append(input);
  document.body.append(form);
  form.submit();
  return true;
}

async function outcome(response: Response): Promise<Outcome> {
  const { cookie = '' } = await response.request().allHeaders();
  return { status: response.status(), hadCookies: cookie.includes('sessionid=') };
}

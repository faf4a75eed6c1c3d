/**
 * The system's Chromium, with a window for each page. Playwright connects to it without its defaults: with them it would keep every
 * page visible and focused, and switch the back/forward cache off.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const START_MS = 30_000;
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--enable-features=BackForwardCache',
  '--remote-debugging-port=0',
];

export class Chromium {
  #child;
  #folder;
  #browser;
  #session;

  constructor(child, folder, browser, session) {
    this.#child = child;
    this.#folder = folder;
    this.#browser = browser;
    this.#session = session;
  }

  static async start() {
    const folder = mkdtempSync(join(tmpdir(), 'dobby-chaos-chromium-'));
    const child = spawn('/usr/bin/chromium', [...FLAGS, `--user-data-dir=${folder}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    const endpoint = await endpointOf(child);
    const browser = await chromium.connectOverCDP(endpoint, { noDefaults: true });
    return new Chromium(child, folder, browser, await browser.newBrowserCDPSession());
  }

  /** Opens `url` in a window of its own; resolves with a DevTools session of the page. @param {string} url */
  async open(url) {
    const [context] = this.#browser.contexts();
    const arrived = context.waitForEvent('page');
    await this.#session.send('Target.createTarget', { url, newWindow: true });
    return context.newCDPSession(await arrived);
  }

  async stop() {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    await this.#session.send('Browser.close').catch(() => undefined); // it is gone already
    const late = setTimeout(() => process.kill(-this.#child.pid, 'SIGKILL'), 5_000);
    await ended;
    clearTimeout(late);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** @param {import('node:child_process').ChildProcess} child @returns {Promise<string>} */
function endpointOf(child) {
  let output = '';
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      process.kill(-(/** @type {number} */ (child.pid)), 'SIGKILL');
      reject(new Error(`Chromium has no DevTools address after ${START_MS} ms: ${output}`));
    }, START_MS);
    child.stderr?.on('data', (chunk) => {
      output = (output + String(chunk)).slice(-20_000);
      const found = /DevTools listening on (ws:\S+)/.exec(output)?.[1];
      if (found === undefined) return;
      clearTimeout(late);
      resolve(found);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`Chromium ended with ${code}: ${output}`)));
  });
}

/**
 * A client in a real page. Everything goes over a DevTools session, which outlives navigations and the back/forward cache. What
 * a page has recorded and a reload has thrown away is not checked.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const COMMAND_MS = 10_000;
const LOAD_MS = 15_000;
const NONE = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };

export class PageClient {
  name;
  /** What only such a client does, with its weight beside those of all clients. */
  actions = { away: 12, hide: 5, freeze: 5, offline: 6, reload: 3 };
  counts = { restores: 0, cached: 0, reloads: 0, freezes: 0, hides: 0, offlines: 0 };
  #session;
  #origin;
  #chance;
  #window = 0;

  /**
   * @param {{name: string, session: any, origin: string}} page
   * @param {import('../chance.mjs').Chance} chance
   */
  constructor({ name, session, origin }, chance) {
    this.name = name;
    this.#session = session;
    this.#origin = origin;
    this.#chance = chance;
  }

  /** Waits until the page has loaded. */
  async start() {
    for (const domain of ['Page', 'Network']) await this.#send(`${domain}.enable`);
    const { windowId } = await this.#send('Browser.getWindowForTarget');
    this.#window = windowId;
    await this.#loaded();
  }

  /** @param {string} operation of the recorder @param {readonly string[]} paths @param {number} [ms] */
  async run(operation, paths, ms = 0) {
    await this.#evaluate(`chaos.run(${JSON.stringify(operation)}, ${JSON.stringify(paths)}, ${ms})`);
  }

  /**
   * Returns what was recorded from `next` of `recorder` on, null while the page is away.
   * @param {string | null} recorder @param {number} next
   * @returns {Promise<{recorder: string, next: number, life: string, events: unknown[][]} | null>}
   */
  drain(recorder, next) {
    return this.#evaluate(`globalThis.chaos?.drain(${JSON.stringify(recorder)}, ${next}) ?? null`);
  }

  /** @returns {Promise<import('./node-client.mjs').Status>} */
  status() {
    return this.#evaluate('chaos.status()');
  }

  /** Does what only pages do; afterwards the page is visible, awake and online again. @param {string} name */
  async perform(name) {
    if (name === 'away') await this.#goAway();
    else if (name === 'hide') await this.#hide();
    else if (name === 'freeze') await this.#freeze();
    else if (name === 'offline') await this.#offline();
    else await this.#reload();
  }

  /** Makes sure that nothing done to the page lasts. */
  async settle() {
    await this.#send('Page.setWebLifecycleState', { state: 'active' });
    await this.#show(true);
    await this.#send('Network.emulateNetworkConditions', NONE);
    await this.#loaded();
  }

  async close() {
    await this.run('close', []);
  }

  async #goAway() {
    const life = await this.#evaluate('chaos.life');
    await this.#send('Page.navigate', { url: `${this.#origin}/away` });
    await this.#until('location.pathname === "/away" && document.readyState === "complete"');
    await sleep(this.#chance.between(0, this.#chance.is(0.2) ? 9_000 : 1_500));
    await this.#evaluate('void setTimeout(() => history.back(), 0)');
    await this.#loaded();
    this.counts.restores++;
    if ((await this.#evaluate('chaos.life')) === life) this.counts.cached++;
  }

  async #hide() {
    this.counts.hides++;
    await this.#show(false);
    await sleep(this.#chance.between(100, 3_000));
    await this.#show(true);
  }

  async #freeze() {
    this.counts.freezes++;
    await this.#show(false);
    await this.#send('Page.setWebLifecycleState', { state: 'frozen' });
    await sleep(this.#chance.between(200, this.#chance.is(0.2) ? 10_000 : 3_000));
    await this.#send('Page.setWebLifecycleState', { state: 'active' });
    await this.#show(true);
  }

  async #offline() {
    this.counts.offlines++;
    await this.#send('Network.emulateNetworkConditions', { ...NONE, offline: true });
    await sleep(this.#chance.between(100, 3_000));
    await this.#send('Network.emulateNetworkConditions', NONE);
  }

  async #reload() {
    this.counts.reloads++;
    const life = await this.#evaluate('chaos.life');
    await this.#send('Page.reload');
    await this.#until(`globalThis.chaos && chaos.life !== ${JSON.stringify(life)}`);
  }

  /** @param {boolean} isVisible */
  async #show(isVisible) {
    const bounds = { windowState: isVisible ? 'normal' : 'minimized' };
    await this.#send('Browser.setWindowBounds', { windowId: this.#window, bounds });
  }

  #loaded() {
    return this.#until('globalThis.chaos !== undefined');
  }

  /** @param {string} condition */
  async #until(condition) {
    const deadline = performance.now() + LOAD_MS;
    while (performance.now() < deadline) {
      // A navigation under way ends an evaluation: that is no answer yet.
      if (await this.#evaluate(`Boolean(${condition})`).catch(() => false)) return;
      await sleep(20);
    }
    throw new Error(`${this.name}: not within ${LOAD_MS} ms: ${condition}`);
  }

  /** @param {string} expression */
  async #evaluate(expression) {
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', {
      expression,
      returnByValue: true,
    });
    if (exceptionDetails === undefined) return result.value;
    throw new Error(`${this.name}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
  }

  /** @param {string} method @param {object} [parameters] */
  async #send(method, parameters) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${this.name}: no answer to ${method}`)), COMMAND_MS);
    });
    try {
      return await Promise.race([this.#session.send(method, parameters), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

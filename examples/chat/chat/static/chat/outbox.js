/**
 * The lines of one room that are not said yet, as they were written. One is said at a time: Django takes commands side by
 * side, and could store the second one first.
 */
import { copy } from './copy.js';
import { isRefusal, wordsFor } from './words.js';

/** How long a line waits for a connection. */
const PATIENCE_MS = 600_000;

export class Outbox {
  #list;
  #on;
  #isConnected = false;
  #last = Promise.resolve();

  /**
   * `on` has `send(command, args, options)`, `said(line)`, `edit(text)` for a line that is taken back, and `toEnd()` to show
   * the lines that are new here.
   */
  constructor(list, on) {
    this.#list = list;
    this.#on = on;
  }

  /** Says a line, as soon as those before it are said. */
  add(text) {
    const element = copy('unsaid');
    // Its own name for the line: whoever presses "Send again" gives another command, with another uid of Pomona's.
    const line = { text, uid: crypto.randomUUID() };
    element.querySelector('.text').textContent = text;
    element.querySelector('.again').addEventListener('click', () => this.#queue(element, line));
    element.querySelector('.edit').addEventListener('click', () => {
      element.remove();
      this.#on.edit(text);
    });
    this.#list.append(element);
    this.#queue(element, line);
    this.#on.toEnd();
  }

  /** The connection has come or gone. */
  connected(isConnected) {
    this.#isConnected = isConnected;
    for (const element of this.#list.children) this.#show(element);
  }

  #queue(element, line) {
    delete element.dataset.fault;
    this.#show(element);
    this.#last = this.#last.then(() => this.#say(element, line));
  }

  async #say(element, line) {
    try {
      const said = await this.#on.send('say', line, { idempotent: true, timeoutMs: PATIENCE_MS });
      element.remove();
      this.#on.said(said);
    } catch (error) {
      const isRefused = isRefusal(error);
      element.dataset.fault = `${wordsFor(error)}${isRefused ? '' : ' Send it again: nobody hears it twice.'}`;
      element.querySelector('.again').hidden = isRefused;
      this.#show(element);
    }
  }

  #show(element) {
    const { fault } = element.dataset;
    const state = fault ? 'failed' : this.#isConnected ? 'sending' : 'waiting';
    const words = { sending: 'Sending…', waiting: 'Waits for the connection, and is sent then.' };
    element.dataset.state = state;
    element.querySelector('.how').textContent = fault ?? words[state];
    element.querySelector('.actions').hidden = state !== 'failed';
  }
}

/**
 * Runs in a page or in Node beside one Pomona after the other: carries out what the driver asks for, and records every event in
 * order, each as [kind, path or null, detail, milliseconds since 1970, life]. Imports nothing: pages load it as it is.
 */
export class Recorder {
  /** Changes with each Pomona: what one life recorded is checked by itself. */
  life = '';
  #make;
  #pomona;
  /** Of this recorder: a page that is loaded anew has another. */
  id = Math.random().toString(36).slice(2, 10);
  /** @type {unknown[][]} */
  #events = [];
  /** How many were received before those. */
  #first = 0;
  #wishes = new Map();
  #segments = 0;
  #lives = 0;

  /** @param {(note: (kind: string, text: string) => void) => any} make makes a Pomona, and may note things about it */
  constructor(make) {
    this.#make = make;
    this.#pomona = this.#begin();
  }

  /** Carries out an operation of the driver. @param {'connect' | 'toggle' | 'twice' | 'renew' | 'close'} name @param {string[]} paths @param {number} [ms] */
  run(name, paths = [], ms = 0) {
    for (const path of paths) {
      if (name === 'connect') this.#connect(path);
      else this.#toggle(path);
      if (name === 'twice') {
        // Leaves and comes back, or comes and leaves.
        this.#after(ms, () => this.#toggle(path));
      }
    }
    if (name === 'close' || name === 'renew') this.#close();
    if (name === 'renew') this.#pomona = this.#begin();
  }

  /** Records what happened around the Pomona. @param {string} kind @param {unknown} [detail] */
  note(kind, detail) {
    this.#push(kind, null, detail ?? null);
  }

  /** Returns the paths that are wished now. */
  get wishes() {
    return [...this.#wishes.keys()];
  }

  /**
   * Returns what was recorded from `next` on, and forgets what came before: an answer that is lost is asked for again.
   * @param {string | null} recorder whose events `next` counts @param {number} next
   */
  drain(recorder, next) {
    const received = recorder === this.id ? next - this.#first : 0;
    this.#events.splice(0, received);
    this.#first += received;
    const { id: name, life } = this;
    return { recorder: name, next: this.#first + this.#events.length, life, events: [...this.#events] };
  }

  /** Returns how the Pomona and its subscriptions stand. */
  status() {
    const wishes = [...this.#wishes].map(([path, { subscription }]) => [path, subscription.state]);
    const { id, state, transport } = this.#pomona;
    return { life: this.life, id, state, transport, wishes };
  }

  #begin() {
    this.life = `${Math.random().toString(36).slice(2, 8)}${++this.#lives}`;
    const pomona = this.#make((kind, text) => this.note(kind, text));
    const tell = (
      /** @type {string} */ kind,
      /** @type {string | null} */ path,
      /** @type {unknown} */ detail,
    ) => {
      if (pomona === this.#pomona || this.#pomona === undefined) this.#push(kind, path, detail);
      else this.#push('late event', path, kind);
    };
    pomona.on('subscribed', ({ path, position }) => tell('subscribed', path, position));
    pomona.on('refused', ({ path, code, retryable, message }) =>
      tell('refused', path, { code, retryable, message }),
    );
    pomona.on('gap', ({ path, from, to, reason }) => tell('gap', path, { from, to, reason }));
    pomona.on('unsubscribed', ({ path, by }) => tell('unsubscribed', path, by));
    pomona.on('update', ({ path, message }) => tell('unasked update', path, message));
    pomona.on('state', (state) => tell('state', null, `${state} ${pomona.transport ?? ''}`.trim()));
    pomona.on('id', (id) => tell('id', null, id));
    pomona.on('error', ({ code, message }) => tell('error', null, `${code}: ${message}`));
    return pomona;
  }

  #connect(path) {
    if (this.#wishes.has(path)) return;
    const segment = ++this.#segments;
    const handler = (/** @type {unknown} */ message, /** @type {{position: unknown}} */ { position }) =>
      this.#push('update', path, { n: message, position, segment });
    const subscription = this.#pomona.connect(path, handler);
    this.#wishes.set(path, { subscription });
    const { state, position } = subscription;
    this.#push('connect', path, { segment, state, position });
  }

  #disconnect(path) {
    const wish = this.#wishes.get(path);
    if (wish === undefined) return;
    this.#wishes.delete(path);
    wish.subscription.disconnect();
    this.#push('disconnect', path, null);
  }

  #push(/** @type {unknown[]} */ ...event) {
    this.#events.push([...event, Date.now(), this.life]);
  }

  #toggle(path) {
    if (this.#wishes.has(path)) this.#disconnect(path);
    else this.#connect(path);
  }

  #after(ms, run) {
    const { life } = this;
    setTimeout(() => {
      if (life === this.life && this.#pomona.state !== 'closed') run();
    }, ms);
  }

  #close() {
    this.note('close');
    this.#wishes.clear();
    this.#pomona.close();
  }
}

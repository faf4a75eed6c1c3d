/** Who types: telling of it, and showing it. */

const IDLE_MS = 4_000;

/** Tells when a person begins to type, and when they have stopped. */
export class Typist {
  #tell;
  #idle = null;

  /** `tell(isTyping)` is called for each change. */
  constructor(tell) {
    this.#tell = tell;
  }

  typed() {
    if (this.#idle === null) this.#tell(true);
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.stop(), IDLE_MS);
  }

  stop() {
    if (this.#idle === null) return;
    clearTimeout(this.#idle);
    this.#idle = null;
    this.#tell(false);
  }
}

/** Shows who types. */
export class Typers {
  #element;
  #names = new Set();

  constructor(element) {
    this.#element = element;
  }

  set(name, isTyping) {
    if (isTyping) this.#names.add(name);
    else this.#names.delete(name);
    this.#show();
  }

  /** Nobody is known to type: what was told meanwhile is lost. */
  clear() {
    this.#names.clear();
    this.#show();
  }

  #show() {
    const names = [...this.#names].join(' and ');
    this.#element.textContent = names && `${names} ${this.#names.size > 1 ? 'type' : 'types'}…`;
  }
}

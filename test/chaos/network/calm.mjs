/** Waits that end early when the network becomes calm: what was held is then delivered at once. */
export class Calm {
  isOn = false;
  /** @type {Set<() => void>} */
  #waits = new Set();

  /** @param {boolean} isOn */
  set(isOn) {
    this.isOn = isOn;
    if (isOn) for (const end of [...this.#waits]) end();
  }

  /** Resolves after `ms`, or as soon as the network is calm. @param {number} ms @returns {Promise<void>} */
  wait(ms) {
    if (ms === 0 || this.isOn) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#waits.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#waits.add(end);
    });
  }

  /** Calls `run` after `ms`, unless the network is calm then. Returns the function that cancels it. @param {number} ms @param {() => void} run */
  later(ms, run) {
    if (ms === Number.POSITIVE_INFINITY) return () => undefined;
    const timer = setTimeout(() => {
      if (!this.isOn) run();
    }, ms);
    return () => clearTimeout(timer);
  }
}

/** What may go wrong at any time while other things are waited for. */
export class Failure {
  #reject;
  #failed = new Promise((_, reject) => {
    this.#reject = reject;
  });

  constructor() {
    // Every wait races against it; between two waits a failure may wait for the next one.
    this.#failed.catch(() => undefined);
  }

  /** Ends what is waited for, now or next; the first failure counts. @param {unknown} error */
  fail(error) {
    this.#reject(error);
  }

  /** Rejects when something has failed; otherwise waits for `promise`. @template T @param {Promise<T>} promise @returns {Promise<T>} */
  during(promise) {
    return Promise.race([promise, this.#failed]);
  }
}

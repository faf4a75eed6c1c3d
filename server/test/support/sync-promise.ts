/** A promise whose callbacks run as soon as it is settled: so a test decides when an answer comes, and needs no `await`. */
type Settled<T> = { readonly value: T } | { readonly error: unknown };

export class SyncPromise<T> implements PromiseLike<T> {
  #settled: Settled<T> | null = null;
  #waiting: ((settled: Settled<T>) => void)[] = [];

  constructor(run: (resolve: (value: T | PromiseLike<T>) => void, reject: (error: unknown) => void) => void) {
    const reject = (error: unknown): void => this.#settle({ error });
    const resolve = (value: T | PromiseLike<T>): void => {
      if (value !== null && typeof value === 'object' && 'then' in value) value.then(resolve, reject);
      else this.#settle({ value: value as T });
    };
    try {
      run(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise
  then<U = T, V = never>(
    onValue?: ((value: T) => U | PromiseLike<U>) | null,
    onError?: ((error: unknown) => V | PromiseLike<V>) | null,
  ): SyncPromise<U | V> {
    return new SyncPromise<U | V>((resolve, reject) => {
      const settled = (result: Settled<T>): void => {
        try {
          if ('value' in result) resolve(onValue ? onValue(result.value) : (result.value as unknown as U));
          else if (onError) resolve(onError(result.error));
          else reject(result.error);
        } catch (error) {
          reject(error);
        }
      };
      if (this.#settled === null) this.#waiting.push(settled);
      else settled(this.#settled);
    });
  }

  #settle(settled: Settled<T>): void {
    if (this.#settled !== null) return;
    this.#settled = settled;
    for (const waiting of this.#waiting.splice(0)) waiting(settled);
  }
}

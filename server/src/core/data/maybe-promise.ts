/** Answers that come at once or later. A store in this process answers at once, and then nothing waits for a turn of the event loop. */

/** A value, or a promise of it. */
export type MaybePromise<T> = T | PromiseLike<T>;

/** Whether an answer comes later. */
export function isPromise<T>(answer: MaybePromise<T>): answer is PromiseLike<T> {
  return typeof (answer as PromiseLike<T> | null | undefined)?.then === 'function';
}

/** Returns what `use` makes of an answer: at once if the answer is there. */
export function mapAnswer<T, U>(
  answer: MaybePromise<T>,
  use: (value: T) => MaybePromise<U>,
): MaybePromise<U> {
  return isPromise(answer) ? answer.then(use) : use(answer);
}

/** Returns all answers in order: at once if each is there. */
export function allAnswers<T>(answers: readonly MaybePromise<T>[]): MaybePromise<T[]> {
  return answers.some(isPromise) ? Promise.all(answers) : (answers as T[]);
}

/** Makes a call, and again at once as often as it rejects and tries are left. Rejects as the last try does, or as a call that throws. */
export function withRetries<T>(call: () => MaybePromise<T>, tries: number): MaybePromise<T> {
  let answer: MaybePromise<T>;
  try {
    answer = call();
  } catch (error) {
    return Promise.reject(error);
  }
  if (!isPromise(answer) || tries <= 1) return answer;
  return answer.then(undefined, () => withRetries(call, tries - 1));
}

import { describe, expect, it } from 'vitest';
import { Semaphore } from '../../../src/core/data/semaphore.js';

/** A task that ends when it is told to. */
function task(name: string, begun: string[]) {
  let end: (fault?: Error) => void = () => undefined;
  const ended = new Promise<string>((resolve, reject) => {
    end = (fault) => (fault === undefined ? resolve(name) : reject(fault));
  });
  const run = () => {
    begun.push(name);
    return ended;
  };
  return { run, end: (fault?: Error) => end(fault) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a gate', () => {
  it('lets so many through at a time, and the others in their order', async () => {
    const semaphore = new Semaphore({ maxRunning: 2, maxWaiting: 2 });
    const begun: string[] = [];
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => task(name, begun));
    const passing = [a, b, c, d].map((each) => semaphore.run(each!.run));
    await turn();
    expect(begun).toEqual(['a', 'b']);
    b!.end();
    expect(await passing[1]).toBe('b');
    await turn();
    expect(begun).toEqual(['a', 'b', 'c']);
    for (const each of [a, c, d]) each!.end();
    expect(await Promise.all(passing)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('turns away at once whoever finds too many waiting', async () => {
    const semaphore = new Semaphore({ maxRunning: 1, maxWaiting: 1 });
    const begun: string[] = [];
    const first = task('first', begun);
    const second = task('second', begun);
    const passing = [semaphore.run(first.run), semaphore.run(second.run)];
    expect(await semaphore.run(task('third', begun).run)).toBeNull();
    first.end();
    second.end();
    expect(await Promise.all(passing)).toEqual(['first', 'second']);
    expect(begun).toEqual(['first', 'second']);
  });

  it('gives the place of a task that fails to the next one', async () => {
    const semaphore = new Semaphore({ maxRunning: 1, maxWaiting: 1 });
    const first = task('first', []);
    const second = task('second', []);
    const failing = semaphore.run(first.run);
    const waiting = semaphore.run(second.run);
    first.end(new Error('broken'));
    await expect(failing).rejects.toThrow('broken');
    second.end();
    expect(await waiting).toBe('second');
    expect(await semaphore.run(async () => 'third')).toBe('third');
  });
});

describe('a gate whose line is full', () => {
  it('counts what waits by its weight, too', async () => {
    const semaphore = new Semaphore({ maxRunning: 1, maxWaiting: 10, maxWeight: 10 });
    const first = task('first', []);
    const second = task('second', []);
    const passing = [semaphore.run(first.run), semaphore.run(second.run, { weight: 8 })];
    expect(await semaphore.run(task('third', []).run, { weight: 3 })).toBeNull();
    first.end();
    second.end();
    expect(await Promise.all(passing)).toEqual(['first', 'second']);
  });

  it('does not run what is not wanted any more when its turn comes', async () => {
    const semaphore = new Semaphore({ maxRunning: 1, maxWaiting: 10 });
    const begun: string[] = [];
    const first = task('first', begun);
    const third = task('third', begun);
    let isWanted = true;
    const passing = [
      semaphore.run(first.run),
      semaphore.run(task('second', begun).run, { isWanted: () => isWanted }),
      semaphore.run(third.run),
    ];
    isWanted = false;
    first.end();
    third.end();
    expect(await Promise.all(passing)).toEqual(['first', null, 'third']);
    expect(begun).toEqual(['first', 'third']);
  });
});

import { describe, expect, it } from 'vitest';
import { Gate } from '../../src/auth/gate.js';

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
    const gate = new Gate({ maxRunning: 2, maxWaiting: 2 });
    const begun: string[] = [];
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => task(name, begun));
    const passing = [a, b, c, d].map((each) => gate.pass(each!.run));
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
    const gate = new Gate({ maxRunning: 1, maxWaiting: 1 });
    const begun: string[] = [];
    const first = task('first', begun);
    const second = task('second', begun);
    const passing = [gate.pass(first.run), gate.pass(second.run)];
    expect(await gate.pass(task('third', begun).run)).toBeNull();
    first.end();
    second.end();
    expect(await Promise.all(passing)).toEqual(['first', 'second']);
    expect(begun).toEqual(['first', 'second']);
  });

  it('gives the place of a task that fails to the next one', async () => {
    const gate = new Gate({ maxRunning: 1, maxWaiting: 1 });
    const first = task('first', []);
    const second = task('second', []);
    const failing = gate.pass(first.run);
    const waiting = gate.pass(second.run);
    first.end(new Error('broken'));
    await expect(failing).rejects.toThrow('broken');
    second.end();
    expect(await waiting).toBe('second');
    expect(await gate.pass(async () => 'third')).toBe('third');
  });
});

describe('a gate whose line is full', () => {
  it('counts what waits by its weight, too', async () => {
    const gate = new Gate({ maxRunning: 1, maxWaiting: 10, maxWeight: 10 });
    const first = task('first', []);
    const second = task('second', []);
    const passing = [gate.pass(first.run), gate.pass(second.run, { weight: 8 })];
    expect(await gate.pass(task('third', []).run, { weight: 3 })).toBeNull();
    first.end();
    second.end();
    expect(await Promise.all(passing)).toEqual(['first', 'second']);
  });

  it('does not run what is not wanted any more when its turn comes', async () => {
    const gate = new Gate({ maxRunning: 1, maxWaiting: 10 });
    const begun: string[] = [];
    const first = task('first', begun);
    const third = task('third', begun);
    let isWanted = true;
    const passing = [
      gate.pass(first.run),
      gate.pass(task('second', begun).run, { isWanted: () => isWanted }),
      gate.pass(third.run),
    ];
    isWanted = false;
    first.end();
    third.end();
    expect(await Promise.all(passing)).toEqual(['first', null, 'third']);
    expect(begun).toEqual(['first', 'third']);
  });
});

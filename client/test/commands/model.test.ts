/**
 * Commands against a small server that checks every frame as docs/protocol.md says. Whatever is lost, forgotten or
 * given up on the way, each promise is settled by the end of its time, nothing runs twice that must not, and commands
 * are sent in the order in which they were given.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { CommandFrame } from '../../../protocol/frames.js';
import { isLong } from '../../../test/size.js';
import { withCommands } from '../../src/commands/index.js';
import { type FakeTransport, Stage, settled } from '../support.js';

const TIMEOUT_MS = isLong ? 120_000 : 10_000;

type Step =
  | { readonly do: 'give'; readonly isIdempotent: boolean; readonly timeoutMs: number }
  | { readonly do: 'receive'; readonly count: number }
  | { readonly do: 'answer'; readonly count: number }
  | { readonly do: 'give up'; readonly count: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'cut' | 'crash' | 'restart' | 'endSession'; readonly ms: number };

/** What Dobby is in this test: one session at a time, and what it knows of its commands. */
class Server {
  /** How often commands were run, by their names, which are unique. */
  readonly #runs = new Map<string, number>();
  /** To which session each command came first. */
  readonly #sessions = new Map<string, number>();
  readonly #stage: Stage;
  #session = 1;
  #connection = 0;
  #received = 0;
  #isForgotten = false;
  #taken = 0;
  /** By uid: whether it was answered. */
  #known = new Map<string, boolean>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** A connection opens, if Pomona is trying to. */
  async open(): Promise<void> {
    const { transport } = this.#stage;
    if (transport.open !== null || this.#stage.pomona.state === 'open') return;
    this.#taken = 0;
    await transport.opens({
      id: `session-${this.#session}`,
      connection: ++this.#connection,
      received: this.#received,
      ...(this.#isForgotten && { forgot: true }),
    });
    expectOrder(transport);
  }

  /** The next `count` frames arrive. */
  async receive(count: number): Promise<void> {
    if (this.#stage.pomona.state !== 'open') return;
    for (const frame of this.#stage.transport.sentOf('command').slice(this.#taken, this.#taken + count)) {
      this.#taken++;
      expect(frame.n, 'numbers rise by one').toBe(this.#received + 1);
      this.#received = frame.n;
      this.#isForgotten = false;
      await this.#take(frame);
    }
  }

  /** A command that runs is answered. */
  async answer(count: number): Promise<void> {
    const running = [...this.#known].filter(([, isAnswered]) => !isAnswered);
    const [uid] = running[count % Math.max(1, running.length)] ?? [];
    if (uid === undefined) return;
    this.#known.set(uid, true);
    await this.#reply(uid, { reply: uid });
  }

  /** It dies and comes back: it knows its session by the ticket only. */
  crash(): void {
    this.#known.clear();
    this.#received = 0;
    this.#isForgotten = true;
  }

  /** It is restarted in order: it knows how far it was, and no commands. */
  restart(): void {
    this.#known.clear();
  }

  /** Another session is next. */
  endSession(): void {
    this.crash();
    this.#isForgotten = false;
    this.#session++;
  }

  async #take({ uid, command, again, idempotent }: CommandFrame): Promise<void> {
    const first = this.#sessions.get(command) ?? this.#session;
    this.#sessions.set(command, first);
    expect(idempotent || first === this.#session, `${command} comes to one session`).toBe(true);
    const isAnswered = this.#known.get(uid);
    if (isAnswered) return this.#reply(uid, { reply: uid });
    if (isAnswered === false) return;
    if (again && !idempotent) return this.#reply(uid, { error: { code: 'disconnected', message: 'no' } });
    const runs = (this.#runs.get(command) ?? 0) + 1;
    this.#runs.set(command, runs);
    expect(runs === 1 || (again && idempotent), `${command} runs once`).toBe(true);
    this.#known.set(uid, false);
  }

  async #reply(uid: string, fields: object): Promise<void> {
    if (this.#stage.pomona.state === 'open')
      await this.#stage.transport.says({ type: 'reply', uid, ...fields });
  }
}

/** Commands are named by the order in which they were given. */
function expectOrder(transport: FakeTransport): void {
  const names = transport.sentOf('command').map(({ command }) => Number(command));
  expect(names, 'the order is kept').toEqual(names.toSorted((a, b) => a - b));
  expect(new Set(names).size, 'once a connection').toBe(names.length);
}

const give = fc.record({
  do: fc.constant('give' as const),
  isIdempotent: fc.boolean(),
  timeoutMs: fc.constantFrom(100, 5_000, 60_000),
});
const progress = fc.record({
  do: fc.constantFrom('receive' as const, 'receive' as const, 'answer' as const, 'give up' as const),
  count: fc.nat(4),
});
const wait = fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(10, 600, 5_000) });
const loss = fc.record({
  do: fc.constantFrom('cut' as const, 'crash' as const, 'restart' as const, 'endSession' as const),
  ms: fc.constantFrom(0, 1_000, 20_000),
});
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: give },
    { weight: 6, arbitrary: progress },
    { weight: 1, arbitrary: wait },
    { weight: 2, arbitrary: loss },
  ),
  { minLength: 10, maxLength: 50, size: 'max' },
);

/** A Pomona with its server, and the commands that it was given. */
class Play {
  readonly stage = new Stage();
  readonly server = new Server(this.stage);
  readonly #pomona = withCommands(this.stage.pomona);
  readonly #aborts: AbortController[] = [];
  /** When each command's time is over, by name; those that are settled are gone. */
  readonly pending = new Map<string, number>();

  async run(step: Step): Promise<void> {
    const { server, stage } = this;
    if (step.do === 'give') this.#give(step.isIdempotent, step.timeoutMs);
    else if (step.do === 'receive') await server.receive(step.count);
    else if (step.do === 'answer') await server.answer(step.count);
    else if (step.do === 'give up') this.#aborts[step.count]?.abort();
    else if (step.do === 'wait') await this.wait(step.ms);
    else {
      if (step.do !== 'cut') server[step.do]();
      if (stage.pomona.state === 'open') await stage.transport.ends();
      await this.wait(step.ms);
    }
    await settled();
    expectOrder(stage.transport);
    for (const [name, until] of this.pending)
      expect(until, `${name} is over`).toBeGreaterThan(stage.clock.now());
  }

  async wait(ms: number): Promise<void> {
    await this.stage.clock.advance(ms);
    await this.server.open();
  }

  #give(idempotent: boolean, timeoutMs: number): void {
    const name = String(this.#aborts.length);
    const abort = new AbortController();
    this.#aborts.push(abort);
    this.pending.set(name, this.stage.clock.now() + timeoutMs);
    const over = (): void => void this.pending.delete(name);
    this.#pomona.send('a', name, {}, { idempotent, timeoutMs, signal: abort.signal }).then(over, over);
  }
}

it('settles each command in its time, runs it once, and keeps the order, whatever happens', {
  timeout: TIMEOUT_MS,
}, async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const play = new Play();
      await play.server.open();
      for (const step of taken) await play.run(step);
      // Dobby is never heard of again.
      await play.stage.clock.advance(60_000);
      expect(play.pending.size).toBe(0);
      play.stage.pomona.close();
      expect(play.stage.clock.pending).toBe(0);
    }),
    { numRuns: isLong ? 10_000 : 200 },
  );
});

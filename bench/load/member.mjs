/** One client of a crowd: what it says, what it hears, and when it was there. */

import { nowMs } from './clock.mjs';
import { Hearing } from './hearing.mjs';
import { ReturningClient } from './returning-client.mjs';
import { speakerOf } from './speakers/table.mjs';

const MAX_ODDITIES = 3;

/**
 * @typedef {object} MemberOptions
 * @property {{system: string, dialect: string, port: number}} peer
 * @property {import('./message.mjs').Messages} messages
 * @property {ReadonlyMap<number, string>} pathOf the paths of the publishers that it is to hear
 * @property {(id: string, paths: string[]) => void} onAsk
 */

export class Member {
  /** When it got a session of its own that was not the one before. @type {number[]} */
  sessions = [];
  /** What a sound server would not have said: the first few, and how often. @type {{first: string[], count: number}} */
  oddities = { first: [], count: 0 };
  /** Resolves when it is subscribed for the first time. @type {Promise<void>} */
  opened;
  hearing;
  client;
  #publishers;
  #timer;

  /** @param {MemberOptions} options */
  constructor({ peer, messages, pathOf, onAsk }) {
    this.hearing = new Hearing(messages, pathOf);
    this.#publishers = [...pathOf.keys()];
    this.opened = new Promise((resolve) => {
      this.client = new ReturningClient({
        port: peer.port,
        random: Math.random,
        onReady: () => resolve(undefined),
      });
    });
    const client = /** @type {ReturningClient} */ (this.client);
    client.speaker = speakerOf(peer, [...new Set(pathOf.values())], {
      onUpdate: (update) => this.hearing.take(update, client.atMs),
      onGap: (gap) => this.hearing.tell(gap),
      onReady: () => client.ready(),
      onSession: (isNew) => {
        if (isNew) this.sessions.push(nowMs());
      },
      onAsk,
      onOddity: (why) => {
        if (this.oddities.count++ < MAX_ODDITIES) this.oddities.first.push(why);
      },
    });
  }

  /**
   * Goes at each of these times, for `offMs`.
   * @param {{timesMs: readonly number[], offMs: number}} outages with times in rising order, `offMs` apart at least
   */
  suffer({ timesMs: [fromMs, ...timesMs], offMs }) {
    if (fromMs === undefined) return;
    this.#timer = setTimeout(() => {
      this.client.drop();
      this.#timer = setTimeout(
        () => {
          this.client.connect();
          this.suffer({ timesMs, offMs });
        },
        fromMs + offMs - nowMs(),
      );
    }, fromMs - nowMs());
  }

  /** @param {import('./judge.mjs').Verdict} verdict @param {import('./judge.mjs').Published[]} published by number of the publisher */
  judge(verdict, published) {
    const own = this.#publishers.map((p) => published[p]);
    verdict.judge(this.hearing, own, this.client.spans);
  }

  close() {
    clearTimeout(this.#timer);
    this.client.drop();
  }
}

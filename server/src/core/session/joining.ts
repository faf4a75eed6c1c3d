/** A subscription that waits for the tail of its path: how its client asked for it, and who waits for the end. */
import type { ErrorCode } from '../../../../protocol/codes.js';
import type { SubscribeItem } from '../../../../protocol/frames.js';
import type { Position } from '../../../../protocol/positions.js';
import type { LogPage } from '../log/broker.js';
import type { WheelTimer } from '../time/timer-wheel.js';

/** Where the subscription stands, or why it ended; null without a log, and for one that is not wanted any more. */
export type JoinOutcome = Position | null | ErrorCode;

/** What is known of a joining subscription. */
export class Joining {
  /** As its client asked for it last. */
  item: SubscribeItem;
  /** What the store says of the log, where the tail does not reach what the client asks for. */
  page: LogPage | null;
  readonly #deadline: WheelTimer | null;
  readonly #onEnd: ((outcome: JoinOutcome) => void)[] = [];

  /** `deadline` is cancelled at the end; null where it waits as long as it takes. */
  constructor(
    item: SubscribeItem,
    { page, deadline }: { page: LogPage | null; deadline: WheelTimer | null },
  ) {
    this.item = item;
    this.page = page;
    this.#deadline = deadline;
  }

  /** Calls `done` at the end. */
  onEnd(done: (outcome: JoinOutcome) => void): void {
    this.#onEnd.push(done);
  }

  /** Ends it. */
  end(outcome: JoinOutcome): void {
    this.#deadline?.cancel();
    for (const done of this.#onEnd.splice(0)) done(outcome);
  }
}

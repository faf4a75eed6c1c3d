/**
 * What is known of one path. Two truths stand side by side: what is wanted here, and what the session
 * was told; the difference is what `Subscriptions.changes` sends.
 */
import type { SubscribeItem } from '../../protocol/frames.js';
import type { Position } from '../../protocol/positions.js';
import type { PathView, Subscription, SubscriptionEvents, SubscriptionState } from './subscription.js';

/** One path. */
export class Track implements PathView {
  declare readonly path: string;
  /** In the order of `connect`; replaced, never changed, so that a delivery can go through it. */
  subscriptions: readonly Subscription[] = [];
  state: SubscriptionState = 'asking';
  /** Last processed. Undefined: never heard. Null: heard, but without a log. */
  declare position: Position | null | undefined;
  /** How many of the newest updates are wanted where there is no position. */
  declare last: number | undefined;
  declare isWanted: boolean;
  /**
   * Whether the session holds this path, or waits for it, as far as it was told: it was named; or `heard`,
   * since `subscribed` came on this connection: then nothing is missing but what `gap` tells.
   */
  asked: false | 'named' | 'heard' = false;
  /** Whether the newest `open` frame names the path, and no frame on the connection in use has since. */
  isInOpen = false;
  /** The number of the frame that named the path last on the connection in use. What Dobby decided before that frame has come counts no more. */
  namedBy = 0;
  /** There is more to ask for than was: the path is to be named once more. */
  isDue = false;
  /** Unsubscribes that were not answered yet; until they are, what comes belongs to what was before. */
  leaving = 0;
  /**
   * The one request about the path that is under way at the back end's views: `asking` or `release`. Or `retry`: it could
   * not be asked, and will be again. During the last two the path is not asked for.
   */
  hold: 'asking' | 'retry' | 'release' | null = null;
  /** Whether Dobby waits for the back end's word on a wish that is newer than what the connect view is being asked. */
  isPendingAgain = false;
  /** Whether Dobby was asked once more after a refusal that may have been late; until the path is heard, or asked for anew. */
  isSure = false;
  /** What the connect view answered last, for people; empty before it has. */
  answer = '';
  /** When the path may be posted to `disconnectUrl`, by the clock; 0 where it is not to be. */
  releaseAt = 0;

  constructor(path: string, isWanted = true) {
    this.path = path;
    this.isWanted = isWanted;
  }

  /** Whether its handlers have left, so that what is still granted has to end. */
  get isLeft(): boolean {
    return !this.isWanted && this.subscriptions.length === 0;
  }

  /** Whether nothing depends on this any more. */
  get isForgettable(): boolean {
    const isIdle = !this.asked && this.leaving === 0 && !this.hold && !this.releaseAt;
    return isIdle && this.isLeft;
  }

  /** How to ask for the path; features add to it. */
  item(): SubscribeItem {
    const { path, position } = this;
    const last = position === undefined ? this.last : undefined;
    return { path, position, last } as SubscribeItem; // JSON leaves out what is undefined
  }

  /** Whether an update or gap at `position` is for the handlers: the path is heard and has not processed it yet. */
  expects(position: Position | null | undefined): boolean {
    const held = this.position;
    const isProcessed = position && held && held.epoch === position.epoch && position.offset <= held.offset;
    return this.isHearing && !isProcessed;
  }

  /** Whether what comes for this path is for its handlers. */
  get isHearing(): boolean {
    return this.isWanted && this.leaving === 0;
  }

  /** It is over for this path, until it is asked for or connected again. */
  stop(state: 'refused' | 'ended'): void {
    this.isWanted = false;
    this.state = state;
    this.position = undefined;
    this.answer = '';
    this.isSure = false;
    if (this.hold === 'retry') this.hold = null;
  }

  /** Tells all subscriptions of the path. */
  tell<Name extends keyof SubscriptionEvents>(name: Name, event: SubscriptionEvents[Name]): void {
    for (const subscription of this.subscriptions) subscription.tell(name, event);
  }

  /** Tells all subscriptions of the path that the state may have changed. */
  tellState(): void {
    for (const subscription of this.subscriptions) subscription.tellState();
  }
}

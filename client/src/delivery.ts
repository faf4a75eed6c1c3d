/**
 * Delivers to the handlers and subscriptions of one path: its start, its updates, its gaps and its other events.
 * From `subscribed` on each update reaches the handlers once and in order, or `gap` comes first. A handler that throws
 * does not keep an update from the other handlers. Whether the path is wanted is decided in `subscriptions.ts`.
 */
import type { Json, UpdateFrame } from '../../protocol/frames.js';
import type { Position } from '../../protocol/positions.js';
import type { Emitter } from './emitter.js';
import { PomonaError, reportUncaught } from './errors.js';
import type { PomonaEvents } from './pomona-events.js';
import type { GapEvent, SubscriptionEvents } from './subscription.js';
import type { Track } from './track.js';

type Events = Emitter<PomonaEvents>;

/** Emits an event of a path on the path's subscriptions, then on the Pomona. */
export function emit<Name extends 'subscribed' | 'refused' | 'gap' | 'unsubscribed'>(
  events: Events,
  track: Track,
  name: Name,
  event: SubscriptionEvents[Name] & PomonaEvents[Name],
): void {
  track.tell(name, event);
  events.emit(name, event);
}

/**
 * Marks a path as subscribed from `position` on. Emits `subscribed` if it was not, and `gap` if updates between the
 * position last processed and `position` are missing.
 */
export function deliverStart(events: Events, track: Track, position: Position | null): void {
  const { path, position: from, asked } = track;
  const isNew = track.state !== 'subscribed';
  track.isWanted = true;
  if (track.hold === 'retry') track.hold = null;
  track.state = 'subscribed';
  track.isSure = false;
  track.asked = 'heard';
  if (from === undefined) track.position = position;
  // Names the position last processed, even if the session has another; `gap` follows if updates between are missing.
  if (isNew) emit(events, track, 'subscribed', { path, position: position && (from || position) });
  // Emitted now, because the connection may end before the frame `gap` comes.
  if (from === undefined || position === null || asked === 'heard') return;
  const reason = from?.epoch === position.epoch ? 'evicted' : 'restarted';
  deliverGap(events, track, { path, from, to: position, reason });
}

/** Emits `gap` and moves the position to the gap's end, unless the path has processed that end already. */
export function deliverGap(
  events: Events,
  track: Track | undefined,
  { path, from, to, reason }: GapEvent,
): void {
  // `deliverStart` may have emitted this gap already.
  if (!track?.expects(to)) return;
  track.position = to;
  emit(events, track, 'gap', { path, from, to, reason });
}

/**
 * Calls the handlers of a path with an update, then stores its position as the one last processed. Emits `update` on
 * the Pomona if the path has no handlers, and `handler_failed` if a handler throws.
 */
export function deliverUpdate(
  events: Events,
  track: Track | undefined,
  { path, key, message, position }: UpdateFrame,
): void {
  if (!track?.expects(position)) return;
  const update = { path, key: key ?? null, position: position ?? null };
  const { subscriptions } = track;
  if (subscriptions.length === 0) events.emit('update', { ...update, message });
  for (const subscription of subscriptions) {
    // An earlier handler has disconnected this one.
    if (track.subscriptions !== subscriptions && !track.subscriptions.includes(subscription)) continue;
    callHandler(events, subscription.handler, message, update);
  }
  if (position !== undefined) track.position = position;
}

/** Calls one handler. Emits `handler_failed` if it throws; without a listener for that, what it threw counts as uncaught. */
export function callHandler<About extends { readonly path: string }>(
  events: Events,
  handler: (message: Json, about: About) => void,
  message: Json,
  about: About,
): void {
  try {
    handler(message, about);
  } catch (cause) {
    const { path } = about;
    const text = `A handler of "${path}" threw: ${cause}`;
    const heard = events.emit('error', new PomonaError('handler_failed', text, { cause, path }));
    if (heard.length === 0) reportUncaught(cause);
  }
}

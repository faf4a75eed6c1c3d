/** Pomona, the client of the push server Dobby, for browsers and Node. */
export type { ErrorCode } from '../../protocol/codes.js';
export type { Json } from '../../protocol/frames.js';
export type { GapReason, Position } from '../../protocol/positions.js';
export type { Clock } from './clock.js';
export type { PomonaState } from './connection.js';
export type { Listener } from './emitter.js';
export { type ClientErrorCode, PomonaError, type PomonaErrorCode } from './errors.js';
export type { HeadersSource, PomonaOptions, TransportName } from './options.js';
export { type ConnectOptions, Pomona } from './pomona.js';
export type { ExpiredEvent, KickedEvent, PomonaEvents } from './pomona-events.js';
export type {
  GapEvent,
  Handler,
  RefusedEvent,
  SubscribedEvent,
  Subscription,
  SubscriptionEvents,
  SubscriptionState,
  UnsubscribedEvent,
  Update,
} from './subscription.js';
export type {
  Transport,
  TransportContext,
  TransportEnd,
  TransportKind,
  WebSocketConstructor,
  WebSocketLike,
} from './transports/transport.js';

/** Lets a Pomona follow the state of paths: `connect(path, handler, { state: true })`; docs/protocol.md, "State". */
import type { Json } from '../../../protocol/frames.js';
import { fits, isBoolean, isPosition, isString, listOf } from '../checks.js';
import { UPDATE } from '../frames.js';
import type { Pomona } from '../pomona.js';
import type { ConnectOptions, Handler } from '../subscription.js';
import type { Track } from '../track.js';
import { Follower, type StateSubscription } from './follower.js';

export type { SnapshotEvent, StateSubscription, StateSubscriptionEvents } from './follower.js';

/** What `connect` can be told for a handler that follows the path's state. */
export interface StateOptions extends ConnectOptions {
  readonly state: true;
}

/** What `withState` adds to a Pomona. */
export interface FollowsState {
  /** Hears `path` and follows its state. @throws PomonaError as `connect` without `state` does */
  connect<Message = Json>(
    path: string,
    handler: Handler<Message>,
    options: StateOptions,
  ): StateSubscription<Message>;
}

const SHAPE = {
  path: isString,
  position: isPosition,
  entries: listOf({ key: isString, message: (value) => value !== undefined }),
  first: isBoolean,
  last: isBoolean,
};

/** The same Pomona, which can now follow states. Once is enough; once more does nothing. */
export function withState<P extends Pomona>(pomona: P): FollowsState & P {
  const connect = pomona.connect.bind(pomona);
  return pomona.extend('state', (core) => {
    const { tracks } = core.subscriptions;
    const followers = new WeakMap<Track, Follower>();
    const follower = (path: string): Follower | undefined => {
      const track = tracks.get(path);
      return track && followers.get(track);
    };
    return {
      frames: {
        [UPDATE]: (frame, handOn) => {
          const concerned = follower(frame.path);
          if (concerned === undefined) handOn(frame);
          else concerned.update(frame, handOn);
        },
        state: (frame) => {
          if (fits(frame, SHAPE)) follower(frame.path)?.part(frame);
          else core.fail('bad_answer', 'Dobby sent no part of a state');
        },
        subscribed: (frame, handOn) => {
          for (const { path } of frame.paths) follower(path)?.beforeSubscribed();
          handOn(frame);
          for (const { path } of frame.paths) follower(path)?.afterSubscribed();
        },
        refused: (frame, handOn) =>
          handOn({ ...frame, paths: frame.paths.filter((item) => !follower(item.path)?.refused(item)) }),
      },
      naming: (track) => followers.get(track)?.fields(),
      methods: {
        connect(path: string, handler: Handler, { state, ...options }: Partial<StateOptions> = {}) {
          const subscription = connect(path, handler, options);
          const track = tracks.get(path);
          if (!state || track === undefined) return subscription as StateSubscription;
          const concerned = followers.get(track) ?? new Follower(track, core);
          followers.set(track, concerned);
          return concerned.add(subscription);
        },
      },
    };
  });
}

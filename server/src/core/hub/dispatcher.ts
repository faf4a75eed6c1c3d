/**
 * Relates paths to receivers. It joins a path at the broker when its first receiver comes, and leaves it with the last. Published updates
 * go to the receivers of their path; the special updates `::connect` and `::disconnect` with `id->path`, and `::gone` with an id, change
 * the relation.
 */
import type { Json } from '../../../../protocol/frames.js';
import { pathFault } from '../../../../protocol/paths.js';
import type { Counters } from '../data/counters.js';
import { isPromise, type MaybePromise } from '../data/maybe-promise.js';
import type { Broker, Tail } from '../log/broker.js';
import type { UpdateInfo } from '../log/update.js';
import { Update } from '../log/update.js';
import type { TimerWheel } from '../time/timer-wheel.js';
import { Path } from './path.js';
import type { OnReceiverFault, Receiver } from './receiver.js';
import { GONE, type Registry } from './registry.js';

/** A receiver that keeps its own account of its paths, as a session does. */
export interface Subscriber extends Receiver {
  /** Grants a path and subscribes to it. */
  connectTo(path: string): void;
  /** Takes a path away. */
  disconnectFrom(path: string): void;
}

const isSubscriber = (receiver: Receiver): receiver is Subscriber =>
  'connectTo' in receiver && 'disconnectFrom' in receiver;

/** What a dispatcher is given. */
export interface DispatcherOptions {
  readonly wheel: TimerWheel;
  readonly registry: Registry;
  readonly broker: Broker;
  readonly counters: Counters;
  readonly onFault: OnReceiverFault;
  /** Told of a path that cannot be joined, after several tries. */
  readonly onStoreFault: (error: unknown) => void;
}

/** The first tries to join a path follow at once, the others after waits that grow up to the last one. */
const WAITS_MS = [0, 0, 0, 250, 500, 1_000, 2_000];

/** The paths that have receivers here. */
export class Dispatcher implements Receiver {
  readonly id = '::dispatcher';
  readonly #options: DispatcherOptions;
  readonly #paths = new Map<string, Path>();
  /** Paths of receivers that keep no account of their own. */
  readonly #connected = new Map<string, Set<string>>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Every path that has receivers here. */
  get paths(): ReadonlyMap<string, Path> {
    return this.#paths;
  }

  update(_sender: string, path: string, message: Json, update?: UpdateInfo): void {
    if (update instanceof Update) {
      const delivered = this.#paths.get(path)?.deliver(update, this.#options.onFault) ?? 0;
      this.#options.counters.deliveries += delivered;
    } else if (path === GONE) this.#forget(String(message));
    else if (path === '::connect') this.#steer(message, (id, name) => this.connect(id, name));
    else if (path === '::disconnect') this.#steer(message, (id, name) => this.disconnect(id, name));
  }

  /** Returns the path of a name, which is joined now or later; its holder must `release` it. */
  hold(name: string): Path {
    let path = this.#paths.get(name);
    if (path === undefined) {
      path = new Path(name, this.#options.broker.policyOf(name));
      this.#paths.set(name, path);
      this.#join(path, 0);
    }
    return path;
  }

  #join(path: Path, tries: number): void {
    let answer: MaybePromise<Tail | null>;
    try {
      answer = this.#options.broker.join(path.name);
    } catch (error) {
      return this.#joinAgain(path, tries, error);
    }
    if (!isPromise(answer)) return path.join(answer);
    answer.then(
      (tail) => {
        path.join(tail);
        this.release(path);
      },
      (error) => this.#joinAgain(path, tries, error),
    );
  }

  #joinAgain(path: Path, tries: number, error: unknown): void {
    if (path.isEmpty) return this.#forgetPath(path);
    const waitMs = WAITS_MS[Math.min(tries, WAITS_MS.length - 1)] as number;
    if (waitMs === 0) return this.#join(path, tries + 1);
    this.#options.onStoreFault(error);
    this.#options.wheel.after(waitMs, () => {
      if (path.isEmpty) this.#forgetPath(path);
      else this.#join(path, tries + 1);
    });
  }

  #forgetPath(path: Path): void {
    this.#paths.delete(path.name);
    path.left();
  }

  /** Leaves a path that has no receivers any more. A path that is being joined is left after the answer, so that joins under way are never more than paths. */
  release(path: Path): void {
    if (!path.isEmpty || !path.isJoined || this.#paths.get(path.name) !== path) return;
    this.#forgetPath(path);
    this.#options.broker.leave(path.name);
  }

  /** Splits `id->path` at the first arrow. */
  #steer(message: Json, act: (id: string, path: string) => void): void {
    const text = String(message);
    const arrow = text.indexOf('->');
    const path = text.slice(arrow + 2);
    if (arrow < 1 || pathFault(path) !== null) throw new Error(`"${text}" is not "id->path"`);
    act(text.slice(0, arrow), path);
  }

  /**
   * Connects a receiver to a path; what `::connect` with `id->path` does. Calls `done` when it hears every update from then on.
   * @throws Error when it is not registered.
   */
  connect(id: string, name: string, done: () => void = () => undefined): void {
    const receiver = this.#registered(id);
    if (isSubscriber(receiver)) {
      receiver.connectTo(name);
      return done();
    }
    const path = this.hold(name);
    path.connect(receiver);
    path.whenJoined(done);
    const names = this.#connected.get(id);
    if (names === undefined) this.#connected.set(id, new Set([name]));
    else names.add(name);
  }

  /** Disconnects a receiver from a path; what `::disconnect` does. @throws Error when it is not registered. */
  disconnect(id: string, name: string): void {
    const receiver = this.#registered(id);
    if (isSubscriber(receiver)) return receiver.disconnectFrom(name);
    this.#connected.get(id)?.delete(name);
    this.#drop(id, name);
  }

  #registered(id: string): Receiver {
    const receiver = this.#options.registry.get(id);
    if (receiver === undefined) throw new Error(`there is no receiver "${id}"`);
    return receiver;
  }

  #forget(id: string): void {
    const names = this.#connected.get(id);
    this.#connected.delete(id);
    for (const name of names ?? []) this.#drop(id, name);
  }

  #drop(id: string, name: string): void {
    const path = this.#paths.get(name);
    if (path === undefined) return;
    path.disconnect(id);
    this.release(path);
  }
}

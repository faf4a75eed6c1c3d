/**
 * Relates paths to receivers. Published updates go to whoever is connected to their path; the special updates
 * `::connect` and `::disconnect` with `id->path`, and `::gone` with an id, change who that is.
 */
import type { Json } from '../../../../protocol/frames.js';
import { pathFault } from '../../../../protocol/paths.js';
import type { Counters } from '../data/counters.js';
import type { Broker } from '../log/broker.js';
import type { UpdateInfo } from '../log/update.js';
import { Update } from '../log/update.js';
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

/** The parts a dispatcher stands on. */
export interface DispatcherParts {
  readonly registry: Registry;
  readonly broker: Broker;
  readonly counters: Counters;
  readonly onFault: OnReceiverFault;
}

/** The paths that somebody is connected to. */
export class Dispatcher implements Receiver {
  readonly id = '::dispatcher';
  readonly #parts: DispatcherParts;
  readonly #paths = new Map<string, Path>();
  /** Paths of receivers that keep no account of their own. */
  readonly #connected = new Map<string, Set<string>>();

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** Every path that somebody is connected to. */
  get paths(): ReadonlyMap<string, Path> {
    return this.#paths;
  }

  update(_sender: string, path: string, message: Json, update?: UpdateInfo): void {
    if (update instanceof Update) {
      const delivered = this.#paths.get(path)?.deliver(update, this.#parts.onFault) ?? 0;
      this.#parts.counters.deliveries += delivered;
    } else if (path === GONE) this.#forget(String(message));
    else if (path === '::connect') this.#steer(message, (id, name) => this.connect(id, name));
    else if (path === '::disconnect') this.#steer(message, (id, name) => this.disconnect(id, name));
  }

  /** Returns the path of a name, made if need be; its holder must `release` it. */
  hold(name: string): Path {
    let path = this.#paths.get(name);
    if (path === undefined) {
      path = new Path(name, this.#parts.broker.hold(name));
      this.#paths.set(name, path);
    }
    return path;
  }

  /** Whether the state of a path can be followed. */
  hasState(name: string): boolean {
    return this.#parts.broker.policyOf(name).state !== null;
  }

  /** Lets `read` look at a path, whether or not somebody is connected to it; nothing of it may be kept. */
  look<T>(name: string, read: (path: Path) => T): T {
    const path = this.hold(name);
    try {
      return read(path);
    } finally {
      this.release(path);
    }
  }

  /** Drops a path that nobody is connected to any more. */
  release(path: Path): void {
    if (!path.isEmpty || this.#paths.get(path.name) !== path) return;
    this.#paths.delete(path.name);
    this.#parts.broker.release(path.name);
  }

  /** Splits `id->path` at the first arrow. */
  #steer(message: Json, act: (id: string, path: string) => void): void {
    const text = String(message);
    const arrow = text.indexOf('->');
    const path = text.slice(arrow + 2);
    if (arrow < 1 || pathFault(path) !== null) throw new Error(`"${text}" is not "id->path"`);
    act(text.slice(0, arrow), path);
  }

  /** Connects a receiver to a path; what `::connect` with `id->path` does. @throws Error when it is not registered. */
  connect(id: string, name: string): void {
    const receiver = this.#registered(id);
    if (isSubscriber(receiver)) return receiver.connectTo(name);
    this.hold(name).connect(receiver);
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
    const receiver = this.#parts.registry.get(id);
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

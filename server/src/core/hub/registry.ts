/**
 * Knows every receiver by its id and forwards each update to the delegates, of which the dispatcher is the first. A
 * delegate also hears reserved messages such as `::gone`; one that throws is isolated.
 */
import type { Json } from '../../../../protocol/frames.js';
import type { UpdateInfo } from '../log/update.js';
import { type OnReceiverFault, type Receiver, tell } from './receiver.js';

/** The name under which delegates hear the end of a receiver, with its id as the message. */
export const GONE = '::gone';

export class Registry {
  readonly #receivers = new Map<string, Receiver>();
  /** Replaced, never changed: a delegate may come or go during a delivery. */
  #delegates: readonly Receiver[] = [];
  readonly #onFault: OnReceiverFault;

  constructor(onFault: OnReceiverFault) {
    this.#onFault = onFault;
  }

  /** Registers a receiver. @throws Error when its id is taken, empty, or contains `->`. */
  register(receiver: Receiver): void {
    if (receiver.id === '' || receiver.id.includes('->'))
      throw new Error(`"${receiver.id}" is no receiver id`);
    if (this.#receivers.has(receiver.id))
      throw new Error(`a receiver "${receiver.id}" is registered already`);
    this.#receivers.set(receiver.id, receiver);
  }

  /** Returns the receiver of an id. */
  get(id: string): Receiver | undefined {
    return this.#receivers.get(id);
  }

  /** Removes a receiver and sends the delegates `::gone`. Returns false when it was not known. */
  unregister(id: string): boolean {
    if (!this.#receivers.delete(id)) return false;
    this.update(id, GONE, id);
    return true;
  }

  /** Forwards every update to `receiver` from now on; returns a function that ends this. */
  delegate(receiver: Receiver): () => void {
    this.#delegates = [...this.#delegates, receiver];
    return () => {
      this.#delegates = this.#delegates.filter((each) => each !== receiver);
    };
  }

  /** Delivers an update to every delegate, in order. */
  update(sender: string, path: string, message: Json, update?: UpdateInfo): void {
    const delegates = this.#delegates;
    for (let i = 0; i < delegates.length; i++) {
      tell(delegates[i] as Receiver, [sender, path, message, update], this.#onFault);
    }
  }
}

/**
 * The root: knows every receiver by its id and forwards each update to its delegates, of which the dispatcher
 * is the first. A delegate hears every update, and the special ones that are sent through here; one that throws is
 * isolated.
 */
import type { Json } from '../../../../protocol/frames.js';
import type { UpdateInfo } from '../log/update.js';
import { type OnReceiverFault, type Receiver, tell } from './receiver.js';

/** The name under which a receiver's end is told to the delegates, with its id as the message. */
export const GONE = '::gone';

/** All receivers. */
export class Registry {
  readonly #receivers = new Map<string, Receiver>();
  /** Replaced, never changed: one may come or go while the others are being told. */
  #delegates: readonly Receiver[] = [];
  readonly #onFault: OnReceiverFault;

  constructor(onFault: OnReceiverFault) {
    this.#onFault = onFault;
  }

  /** Makes a receiver known. @throws Error when its id is taken, empty, or contains `->`. */
  register(receiver: Receiver): void {
    if (receiver.id === '' || receiver.id.includes('->'))
      throw new Error(`"${receiver.id}" is no receiver id`);
    if (this.#receivers.has(receiver.id))
      throw new Error(`a receiver "${receiver.id}" is registered already`);
    this.#receivers.set(receiver.id, receiver);
  }

  /** The receiver of an id. */
  get(id: string): Receiver | undefined {
    return this.#receivers.get(id);
  }

  /** Forgets a receiver and tells the delegates `::gone`. False when it was not known. */
  unregister(id: string): boolean {
    if (!this.#receivers.delete(id)) return false;
    this.update(id, GONE, id);
    return true;
  }

  /** Forwards every update to `receiver` from now on; the answer undoes it. */
  delegate(receiver: Receiver): () => void {
    this.#delegates = [...this.#delegates, receiver];
    return () => {
      this.#delegates = this.#delegates.filter((each) => each !== receiver);
    };
  }

  /** Tells every delegate, in order. */
  update(sender: string, path: string, message: Json, update?: UpdateInfo): void {
    const delegates = this.#delegates;
    for (let i = 0; i < delegates.length; i++) {
      tell(delegates[i] as Receiver, [sender, path, message, update], this.#onFault);
    }
  }
}

/** The fake network: makes the connections of the client's WebSockets and requests, and knows those that are there. */
import type { FakePage } from './fake-page.js';
import type { Host } from './host.js';
import type { Time } from './time.js';
import type { Purpose, Weather } from './weather.js';
import { Wire } from './wire.js';

/** What a network stands on. */
export interface NetworkParts {
  readonly time: Time;
  readonly page: FakePage;
  readonly host: Host;
  readonly weather: Pick<Weather, 'next'>;
  readonly note: (what: string) => void;
}

/** What happened on a network. */
export interface Figures {
  connections: number;
  /** `open` frames that arrived when the client had given their connection up. */
  lateOpens: number;
  probes: number;
}

/** All connections of one client. */
export class Network {
  readonly parts: NetworkParts;
  readonly figures: Figures = { connections: 0, lateOpens: 0, probes: 0 };
  readonly #wires = new Set<Wire>();

  constructor(parts: NetworkParts) {
    this.parts = parts;
  }

  /** Begins a connection. */
  wire(purpose: Purpose): { readonly wire: Wire; readonly name: string } {
    const { time, weather } = this.parts;
    const { conditions, dice } = weather.next(purpose);
    const wire = new Wire(time, conditions, dice);
    this.#wires.add(wire);
    return { wire, name: `${purpose}#${this.figures.connections++}` };
  }

  /** A connection has ended. */
  forget(wire: Wire): void {
    this.#wires.delete(wire);
  }

  /** Cuts every connection. */
  cutAll(noticed: { tellsClient: boolean; tellsServer: boolean }): void {
    for (const wire of this.#wires) wire.cut(noticed);
    this.#wires.clear();
  }

  /** One direction of every connection delivers nothing any more. */
  swallowAll(direction: 'up' | 'down'): void {
    for (const wire of this.#wires) wire[direction].kill();
  }
}

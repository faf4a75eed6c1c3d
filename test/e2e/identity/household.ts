/** Ann with several devices, and bob: who is logged out somewhere, and who must not notice. */
import type { Browser } from 'playwright-core';
import { expect } from 'vitest';
import { openWebSocket } from '../../../server/test/transports/wires.js';
import { Device, type Tab } from './tab.js';
import { BY_TOKEN, TRANSPORTS, type Transport, type Way } from './ways.js';
import type { World } from './world.js';

/** What only ann hears. */
export const PATH = 'of/ann/mail';
const BOBS = 'of/bob/mail';
const PUBLIC = 'open/news';

/** The devices, and the transport of each tab. */
const DEVICES = {
  phone: TRANSPORTS,
  tablet: ['long-poll'],
  watch: ['event-stream'],
  car: ['websocket'],
  laptop: TRANSPORTS,
  bob: ['websocket'],
} as const satisfies Record<string, readonly Transport[]>;
export type DeviceName = keyof typeof DEVICES;

/** A tab, and the session that it had before anything happened. */
export interface Place {
  readonly tab: Tab;
  readonly transport: Transport;
  readonly id: string;
}

interface Home {
  readonly device: Device;
  readonly places: readonly Place[];
}

/** All devices with their tabs, each hearing what is its user's. */
export class Household {
  readonly #world: World;
  readonly #way: Way;
  readonly #homes: ReadonlyMap<DeviceName, Home>;
  readonly #out = new Set<Home>();

  static async open(browser: Browser, world: World, way: Way): Promise<Household> {
    const names = Object.keys(DEVICES) as DeviceName[];
    const opened = names.map(async (name) => {
      const isBob = name === 'bob';
      const device = await Device.open(browser, world, isBob ? 'bob' : 'ann', name);
      const places = DEVICES[name].map(async (transport) => {
        const tab = await device.tab(way.page([PATH, BOBS, PUBLIC], transport));
        await Promise.all([tab.subscribed(isBob ? BOBS : PATH), tab.subscribed(PUBLIC)]);
        return { tab, transport, id: tab.id };
      });
      return [name, { device, places: await Promise.all(places) }] as const;
    });
    return new Household(world, way, new Map(await Promise.all(opened)));
  }

  private constructor(world: World, way: Way, homes: ReadonlyMap<DeviceName, Home>) {
    this.#world = world;
    this.#way = way;
    this.#homes = homes;
  }

  places(name: DeviceName): readonly Place[] {
    return this.#home(name).places;
  }

  device(name: DeviceName): Device {
    return this.#home(name).device;
  }

  #home(name: DeviceName): Home {
    return this.#homes.get(name) as Home;
  }

  /** From now on a device is one on which ann has logged out. */
  isOut(name: DeviceName): void {
    this.#out.add(this.#home(name));
  }

  /** Waits until all tabs of a device have come back as nobody, as far as they can. */
  async becomesNobody(name: DeviceName): Promise<void> {
    const ended = this.places(name).map(async ({ tab, id }) => {
      if (this.#way === BY_TOKEN) return tab.until('token', ({ status }) => status === 401);
      const { at } = await tab.until('opened', ({ frame }) => frame.id !== id);
      await tab.until('answered', (told) => told.at >= at && told['path'] === PUBLIC);
      return tab.until('refused', (told) => told.at >= at && told['path'] === PATH);
    });
    await Promise.all(ended);
  }

  /**
   * What is published from now on reaches the others, in the sessions that they had, and none of those who are out: they hear nothing of it
   * before what is public and was published later, and their sessions are gone.
   */
  async othersGoOn(what: string): Promise<void> {
    const world = this.#world;
    const homes = [...this.#homes.values()];
    const out = [...this.#out].flatMap(({ places }) => places);
    const others = homes.filter((home) => !this.#out.has(home)).flatMap(({ places }) => places);
    const known = await world.sessionIds();
    for (const { id, tab } of out)
      expect(known, `${tab.name} has the session that was logged out`).not.toContain(id);
    const before = out.map(({ tab }) => tab.heard(PATH));
    for (const path of [PATH, BOBS, PUBLIC]) await world.publish(path, `${what}: ${path}`);
    const bob = this.places('bob')[0] as Place;
    await Promise.all(
      others.map(({ tab }) => {
        const path = tab === bob.tab ? BOBS : PATH;
        return tab.hears(path, `${what}: ${path}`);
      }),
    );
    // Without a token nothing is opened.
    const heardLast = this.#way === BY_TOKEN ? [] : out;
    await Promise.all(heardLast.map(({ tab }) => tab.hears(PUBLIC, `${what}: ${PUBLIC}`)));
    expect(out.map(({ tab }) => tab.heard(PATH))).toEqual(before);
    expect(others.map(({ tab }) => tab.ids)).toEqual(others.map(({ id }) => [id]));
  }

  /** Nobody gets in by what a device that is out had: neither by its tickets, nor by its tokens. */
  async isShutOut(name: DeviceName, tickets: readonly string[]): Promise<void> {
    const { endpoint } = this.#world;
    const open = { type: 'open', protocol: 1, paths: [{ path: PATH }] };
    for (const ticket of tickets) {
      const wire = await openWebSocket(endpoint, { ...open, ticket });
      expect(wire.opened).toMatchObject({ type: 'opened', resumed: false, refused: 'revoked_ticket' });
      wire.cut();
    }
    const tokens = this.places(name).flatMap(({ tab }) =>
      tab.all('token').flatMap(({ token }) => (token === null ? [] : [token as string])),
    );
    expect(tokens.length > 0).toBe(this.#way === BY_TOKEN);
    for (const token of tokens) {
      const wire = await openWebSocket(endpoint, { ...open, token });
      expect(wire.opened).toMatchObject({ type: 'error', code: 'revoked_token' });
      wire.cut();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#homes.values()].map(({ device }) => device.context.close()));
  }
}

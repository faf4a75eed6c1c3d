/** The machine that Dobby runs on: a real server core with the real HTTP endpoint, which may stop, crash and start again. */
import { EventEmitter } from 'node:events';
import type { SessionSettings } from '../../../server/src/core/session/core-context.js';
import { FrameRate } from '../../../server/src/core/wire/frame-rate.js';
import { SocketTable } from '../../../server/src/core/wire/socket-table.js';
import { Endpoint, type EndpointOptions } from '../../../server/src/transports/endpoint.js';
import { Probes } from '../../../server/src/transports/probes.js';
import type { TransportOptions } from '../../../server/src/transports/transport-options.js';
import { createWorld, type World } from '../../../server/test/support/world.js';
import type { RouteHandler } from './server-exchange.js';

const SESSION_TTL_MS = 30_000;
const POLL_HOLD_MS = 25_000;
const MAX_SOCKETS = 1_000;
const MAX_COMMANDS_PER_SECOND = 100;

/** Dobby, as the network reaches it. */
export class Host {
  readonly #pingIntervalMs: number;
  world: World;
  parts!: TransportOptions;
  post!: RouteHandler;
  /** Nothing listens: the server is being started. */
  isDown = false;

  constructor(settings: Pick<SessionSettings, 'pingIntervalMs'>) {
    this.#pingIntervalMs = settings.pingIntervalMs;
    this.world = createWorld({ settings });
    this.#serve();
  }

  /** Stops the server in order; it says so to its clients, and the next one goes on with all that it knew. */
  handOver(): void {
    this.world = this.world.handOver();
    this.#serve();
  }

  /** The server is gone; the next one knows tickets and what was taken back. */
  crash(): void {
    this.world = this.world.restart();
    this.#serve();
  }

  #serve(): void {
    const { sessions, tickets, wheel, clock } = this.world;
    const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
    const parts: TransportOptions = {
      ...{ sessions, tickets, wheel, log },
      probes: new Probes(wheel),
      sockets: new SocketTable(MAX_SOCKETS, nothing),
      frameRate: new FrameRate(clock, MAX_COMMANDS_PER_SECOND),
      sessionTtlMs: SESSION_TTL_MS,
      pollHoldMs: Math.min(POLL_HOLD_MS, this.#pingIntervalMs),
      isPublic: (path) => path.startsWith('public'),
      isStopping: () => sessions.isFrozen,
      clientInfoOf: () => null,
      addressOf: () => '192.0.2.1',
    };
    this.parts = parts;
    this.post = postOf({
      ...parts,
      origins: { isAllowed: () => true } as unknown as EndpointOptions['origins'],
      hasState: () => true,
      wantsCookies: false,
      forwardHeaders: [],
      url: '/comet',
    });
  }
}

function nothing(): void {}

/** What the endpoint does with a POST. */
function postOf(parts: EndpointOptions): RouteHandler {
  const handlers = new Map<string, RouteHandler>();
  const app = {
    route: ({ method, handler }: { method: string; handler: RouteHandler }) => handlers.set(method, handler),
    server: new EventEmitter(),
  };
  new Endpoint(parts).register(app as unknown as Parameters<Endpoint['register']>[0]);
  return handlers.get('POST') as RouteHandler;
}

/**
 * A whole server without a socket: core over the memory broker, a clock that stands still and carriers that record.
 * A test opens clients, publishes, and reads the frames that each client was sent.
 */
import type { DownFrame, Json, OpenFrame, SendFrame, SubscribeItem } from '../../../protocol/frames.js';
import { SignedTickets } from '../../src/auth/tickets/signed-tickets.js';
import { tokenFeature } from '../../src/auth/tokens/token-feature.js';
import type { SessionWebhook, TokenReader } from '../../src/core/access/identity.js';
import { type Revocation, RevocationList } from '../../src/core/access/revocation-list.js';
import { isPromise, type MaybePromise } from '../../src/core/data/maybe-promise.js';
import { createEngine, type Engine } from '../../src/core/engine.js';
import type { Published } from '../../src/core/log/broker.js';
import type { LogBounds } from '../../src/core/log/path-log.js';
import type { PathPolicy, SlowPolicy } from '../../src/core/log/path-policy.js';
import type { StateBounds } from '../../src/core/log/path-state.js';
import type { SessionSettings } from '../../src/core/session/core-context.js';
import type { GrantResult } from '../../src/core/session/grant-result.js';
import type { Session, SessionConnection } from '../../src/core/session/session.js';
import type { HandshakeRequest } from '../../src/core/sessions/authenticator.js';
import type { Feature } from '../../src/core/sessions/features.js';
import type { OpenOutcome } from '../../src/core/sessions/handshake.js';
import { applyFrame } from '../../src/core/sessions/upstream.js';
import { TimerWheel } from '../../src/core/time/timer-wheel.js';
import type { Handoff } from '../../src/stores/handoff/format.js';
import { restoreHandoff } from '../../src/stores/handoff/handoff-store.js';
import { type ReadHandoff, readHandoff } from '../../src/stores/handoff/reader.js';
import { HandoffWriter } from '../../src/stores/handoff/writer.js';
import { MemoryBroker, type MemoryBrokerOptions } from '../../src/stores/memory/memory-broker.js';
import { FakeCarrier, type FakeCarrierOptions } from './fake-carrier.js';
import { FakeClock } from './fake-clock.js';
import { FakeIds } from './fake-ids.js';
import { fakeTokens } from './fake-tokens.js';
import { RandomBroker } from './random-broker.js';

/** With this variable, a seed, every world has a broker that answers at random times. */
const SEED = process.env['RANDOM_BROKER'];
/** Whether answers and deliveries of the broker come at random times. */
export const isRandom = SEED !== undefined;

function brokerOf(options: MemoryBrokerOptions, restarts: number): MemoryBroker {
  return isRandom ? new RandomBroker(options, Number(SEED) + restarts) : new MemoryBroker(options);
}

export const TICKET_LIFETIME_MS = 300_000;
export const STATE: StateBounds = { maxKeys: 1_000, maxBytes: 1024 * 1024 };
export const LOG: LogBounds = { maxUpdates: 1_000, maxBytes: 1024 * 1024, maxAgeMs: 300_000 };

export interface WorldOptions {
  readonly settings?: Partial<SessionSettings>;
  /** By default every path that begins with `public` is. */
  readonly isPublic?: (path: string) => boolean;
  /** By default every path has a log but those that begin with `public-nolog` or `nolog`. */
  readonly logOf?: (path: string) => LogBounds | null;
  readonly log?: LogBounds;
  /** By default every path that has a log has one. */
  readonly state?: StateBounds | null;
  /** By default `latest` for paths that begin with `latest` or `public-latest`, else `resume`. */
  readonly slowOf?: (path: string) => SlowPolicy;
  /** By default no back end answers for sessions. */
  readonly view?: SessionWebhook;
  /** Beside tokens. By default none. */
  readonly features?: readonly Feature[];
  /** By default every address is. */
  readonly isShared?: (address: string) => boolean;
  /** By default those of `fakeTokens`. */
  readonly tokens?: TokenReader;
  /** By default 256 MB. */
  readonly maxLogBytes?: number;
  /** By default the memory broker, or the random one. */
  readonly broker?: (options: MemoryBrokerOptions) => MemoryBroker;
}

/** What outlives a server. */
interface Lasting {
  readonly clock: FakeClock;
  readonly ids: FakeIds;
  readonly tickets: SignedTickets;
  readonly journal: Revocation[];
  restarts: number;
}

export interface World extends Omit<Engine, 'broker' | 'revocations' | keyof Lasting>, Lasting {
  readonly wheel: TimerWheel;
  readonly broker: MemoryBroker;
  readonly revocations: RevocationList;
  /** What receivers threw, as `id: message`. */
  readonly receiverFaults: string[];
  readonly faults: unknown[];
  publish(
    path: string,
    message: Json,
    more?: { key?: string; sender?: string; except?: readonly string[] },
  ): Published;
  /** The answer to something that the broker may have to answer first. */
  answered<T>(answer: MaybePromise<T>): T;
  connect: Engine['sessions']['connect'];
  open(frame?: Partial<OpenFrame>, carrier?: FakeCarrierOptions): Client;
  tryOpen(frame: Partial<OpenFrame>, carrier?: FakeCarrier): OpenOutcome;
  /** As `open` and `tryOpen`, where somebody may be asked who comes. */
  openAsked(frame?: Partial<OpenFrame>, carrier?: FakeCarrierOptions): Promise<Client>;
  tryOpenAsked(frame: Partial<OpenFrame>, carrier?: FakeCarrier): Promise<OpenOutcome>;
  /** Another server with the same tickets and journal, and empty logs. This one is gone. */
  restart(): World;
  /** Another server that was handed everything over, as text, by this one, which stopped; `change` may be other options. */
  handOver(change?: WorldOptions): World;
}

/**
 * Frames with their `subscribed` frame first among those of one decision, and its paths in the order of their names. Where paths are
 * joined at random times, there are several such frames at any place: they are made one.
 */
export function gathered(frames: readonly DownFrame[]): DownFrame[] {
  const isSubscribed = (frame: DownFrame) => 'type' in frame && frame.type === 'subscribed';
  const paths = frames.flatMap((frame) =>
    'type' in frame && frame.type === 'subscribed' ? frame.paths : [],
  );
  paths.sort((a, b) => (a.path < b.path ? -1 : 1));
  const rest = frames.filter((frame) => !isSubscribed(frame));
  const first = isRandom
    ? rest.findIndex((frame) => !('type' in frame && frame.type === 'opened'))
    : frames.findIndex(isSubscribed);
  if (!isRandom && frames.filter(isSubscribed).length !== 1) return [...frames];
  if (paths.length === 0) return rest;
  rest.splice(first < 0 ? rest.length : first, 0, { type: 'subscribed', paths });
  return rest;
}

/** One connection of a client. */
export class Client {
  readonly #world: World;
  readonly session: Session;
  readonly connection: SessionConnection;
  readonly carrier: FakeCarrier;

  constructor(
    world: World,
    opened: { session: Session; connection: SessionConnection },
    carrier: FakeCarrier,
  ) {
    this.#world = world;
    this.session = opened.session;
    this.connection = opened.connection;
    this.carrier = carrier;
  }

  /** The frames that came since the last call, after all that is due has run. */
  frames(): DownFrame[] {
    this.#world.clock.settle();
    return this.carrier.take();
  }

  /** Those of one type, without their `type`; what came with them is dropped. */
  told<Type extends string>(type: Type): Record<string, unknown>[] {
    return this.frames()
      .filter((frame) => 'type' in frame && frame.type === type)
      .map((frame) => {
        const { type: _, ...rest } = frame as unknown as Record<string, unknown>;
        return rest;
      });
  }

  /** The messages of the updates that came since the last call; what came with them is dropped. */
  messages(): Json[] {
    return this.frames().flatMap((frame) => ('type' in frame ? [] : [frame.message]));
  }

  want(...paths: (string | SubscribeItem)[]): void {
    this.session.paths.want(paths.map((path) => (typeof path === 'string' ? { path } : path)));
    this.#world.clock.background();
  }

  grant(paths: readonly string[]): MaybePromise<GrantResult[]> {
    const answer = this.session.paths.grant(paths);
    this.#world.clock.background();
    return answer;
  }

  send(frame: SendFrame): ReturnType<typeof applyFrame> {
    const error = applyFrame(this.#world.sessions, this.session, frame);
    this.#world.clock.background();
    return error;
  }

  /** The ticket that was told last. */
  ticket(): string {
    const tickets = this.frames().flatMap((frame) => ('ticket' in frame ? [frame.ticket] : []));
    const newest = tickets.at(-1);
    if (newest === undefined) throw new Error('no ticket was told');
    return newest;
  }

  /** The socket takes nothing more after the next write. */
  block(): void {
    this.carrier.isFull = true;
  }

  unblock(): void {
    this.carrier.isFull = false;
    this.connection.outbox.unblock();
  }
}

const SETTINGS: SessionSettings = {
  sessionTtlMs: 30_000,
  grantWaitMs: 10_000,
  pingIntervalMs: 25_000,
  stallMs: 30_000,
  outbox: { maxBytes: 1024 * 1024, maxFrames: 1_000 },
  maxSubscriptions: 1_000,
  maxTotalSubscriptions: 1_000_000,
  maxIdleSessions: 10_000,
  maxOpensPerSecond: 1_000_000,
  ticketsCarryGrants: true,
};

/** Makes a server. */
export function createWorld(options: WorldOptions = {}): World {
  const clock = new FakeClock();
  const secrets = [Buffer.alloc(32, 7)];
  const tickets = new SignedTickets({ clock, lifetimeMs: TICKET_LIFETIME_MS, secrets: () => secrets });
  return createServer(options, { clock, ids: new FakeIds(), tickets, journal: [], restarts: 0 });
}

function createServer(options: WorldOptions, lasting: Lasting): World {
  const { clock, ids, tickets, journal } = lasting;
  const wheel = new TimerWheel(clock);
  const logOf = options.logOf ?? ((path) => (/^(public-)?nolog/.test(path) ? null : (options.log ?? LOG)));
  const policyOf = (path: string): PathPolicy => {
    const log = logOf(path);
    const slow = options.slowOf?.(path) ?? (/^(public-)?latest/.test(path) ? 'latest' : 'resume');
    return { log, state: log === null ? null : options.state === undefined ? STATE : options.state, slow };
  };
  const maxBytes = 256 * 1024 * 1024;
  const limits = {
    maxTotalBytes: options.maxLogBytes ?? maxBytes,
    maxStateBytes: maxBytes,
    headTtlMs: 86_400_000,
    maxHeads: 100_000,
  };
  const given = { clock, ids, wheel, policyOf, ...limits };
  const broker = options.broker?.(given) ?? brokerOf(given, lasting.restarts++);
  const settle = (): void => (broker instanceof RandomBroker ? broker.settle() : undefined);
  // What is told when a path is joined is told before anything else happens.
  if (broker instanceof RandomBroker) broker.afterTurn = () => clock.runSoon('settleJoined');
  clock.background = settle;
  const answered = <T>(answer: MaybePromise<T>): T => {
    if (!isPromise(answer)) return answer;
    let outcome: { value: T } | { error: unknown } | null = null;
    answer.then(
      (value) => {
        outcome = { value };
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    settle();
    // Assigned in a callback, which the compiler does not see.
    const known = outcome as { value: T } | { error: unknown } | null;
    if (known === null) throw new Error('the broker has not answered');
    if ('error' in known) throw known.error;
    return known.value;
  };
  const write = async (revocation: Revocation) => void journal.push(revocation);
  const revocations = new RevocationList({ write }, [...journal]);
  const receiverFaults: string[] = [];
  const faults: unknown[] = [];
  const engine = createEngine({
    ...{ clock, ids, wheel, broker, tickets, revocations },
    authProviders: { tokens: options.tokens ?? fakeTokens(clock), view: options.view ?? null },
    isPublic: options.isPublic ?? ((path) => path.startsWith('public')),
    settings: { ...SETTINGS, ...options.settings },
    isShared: options.isShared ?? (() => true),
    onReceiverFault: ({ id }, error) => receiverFaults.push(`${id}: ${(error as Error).message}`),
    onFeatureFault: ({ name }, error) => faults.push(new Error(name, { cause: error })),
    onJournalFault: (error) => faults.push(error),
    onStoreFault: (error) => faults.push(error),
  });
  for (const feature of [tokenFeature(engine.sessions), ...(options.features ?? [])])
    engine.sessions.features.add(feature);
  // Nobody is asked where no visitor is told of.
  const tryOpen = (frame: Partial<OpenFrame>, carrier = new FakeCarrier()) => {
    const outcome = engine.sessions.open({ type: 'open', protocol: 1, ...frame }, carrier) as OpenOutcome;
    settle();
    return outcome;
  };
  const coming: HandshakeRequest = { visitor: { headers: {}, address: '192.0.2.1' }, isGone: () => false };
  const tryOpenAsked = async (frame: Partial<OpenFrame>, carrier = new FakeCarrier()) =>
    engine.sessions.open({ type: 'open', protocol: 1, ...frame }, carrier, coming);
  const world: World = {
    ...engine,
    ...lasting,
    ...{ wheel, broker, revocations, receiverFaults, faults, tryOpen, tryOpenAsked, answered },
    connect(...request) {
      const answer = engine.sessions.connect(...request);
      settle();
      return answer;
    },
    publish(path, message, { key, sender = '', except } = {}) {
      const publishing = engine.publisher.publish({
        ...{ path, key: key ?? null, message, sender, text: JSON.stringify(message) },
        except: except ? new Set(except) : null,
      });
      // By a receiver that is being told of another update: what becomes of it shows later.
      if (broker instanceof RandomBroker && broker.isTurning) return { position: null, isRepeated: false };
      const outcome = answered(publishing);
      if ('error' in outcome) throw new Error(`nothing was published: ${outcome.error.code}`);
      return outcome.value;
    },
    open(frame = {}, carrierOptions = {}) {
      const carrier = new FakeCarrier(carrierOptions);
      const opened = tryOpen(frame, carrier);
      if ('error' in opened) throw new Error(`the session was not opened: ${opened.error.code}`);
      return new Client(world, opened, carrier);
    },
    async openAsked(frame = {}, carrierOptions = {}) {
      const carrier = new FakeCarrier(carrierOptions);
      const opened = await tryOpenAsked(frame, carrier);
      if ('error' in opened) throw new Error(`the session was not opened: ${opened.error.code}`);
      return new Client(world, opened, carrier);
    },
    restart() {
      wheel.stop();
      return createServer(options, lasting);
    },
    handOver(change = {}) {
      engine.publisher.stop();
      engine.sessions.freeze(1_000);
      wheel.stop();
      const handoff = passedOn({
        at: clock.now(),
        backBy: clock.now() + Math.ceil(engine.sessions.slotsMs),
        areStatesLost: broker.areStatesLost,
        paths: broker.snapshots(),
        unused: broker.unused(),
        sessions: engine.sessions.snapshots(),
        requests: broker.idempotency.snapshots(),
      });
      engine.sessions.sendAway();
      const next = createServer({ ...options, ...change }, lasting);
      restoreHandoff(handoff, { ...next, paths: next.broker, requests: next.broker.idempotency });
      return next;
    },
  };
  return world;
}

/** The text of a handoff; `timeLeftMs` says when to leave out what is not written yet. */
export function handoffText(handoff: Handoff, timeLeftMs = (): number => 1): Buffer {
  const chunks: Buffer[] = [];
  for (const chunk of new HandoffWriter(handoff, timeLeftMs).chunks()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Reads the text of a handoff. @throws HandoffError */
export function readText(text: Buffer): ReadHandoff {
  return readHandoff(text.length, (into, offset) => text.copy(into, 0, offset));
}

const passedOn = (handoff: Handoff): ReadHandoff => readText(handoffText(handoff));

/** The methods about sessions: their paths, their end, who is there; and about the server itself. */
import { z } from 'zod';
import { LIMITS } from '../../../../protocol/limits.js';
import { canonicalAddress } from '../../auth/origins/addresses.js';
import { pageOf } from '../../core/data/page.js';
import { engineInfo } from '../../core/engine.js';
import { DEFAULT_LIMIT } from '../../core/operations/reading.js';
import type { TransportName } from '../../core/session/connection.js';
import { fault } from '../../http/http-errors.js';
import { defineMethod } from '../method.js';
import { anyJson, itemError, page, path, paths, position, sessionId, userName } from '../schemas.js';

/** Null: the session must have no user. */
const user = userName.nullable().exactOptional();
const pattern = z.string().meta({ description: 'A path, or a pattern of paths.' });
const transport = z.enum(['websocket', 'event-stream', 'long-poll'] satisfies TransportName[]);
const time = z.int().meta({ description: 'Milliseconds since 1970.' });
const count = z.int().min(0);

/** The methods about sessions and the server, by name. */
export const sessions = {
  connect: defineMethod({
    scope: { names: 'each', field: 'paths' },
    summary: 'Grants paths to a session and subscribes it to them, whether or not it asked.',
    body: z.strictObject({
      id: sessionId,
      paths,
      user: user.meta({
        description:
          'Binds the session to this user; another one later is refused. Null: only a session without a user.',
      }),
      login: userName.exactOptional().meta({
        description: "A tag of the visitor's login at the app, by which `kick` ends all sessions of it.",
      }),
    }),
    reply: z.strictObject({
      results: z.array(
        z.union([z.strictObject({ path, position }), z.strictObject({ path, error: itemError })]),
      ),
    }),
    async run({ id, paths: wanted, user: named, login }, { operations }) {
      return { results: await operations.connect(id, wanted, named, login) };
    },
  }),
  disconnect: defineMethod({
    scope: { names: 'each', field: 'paths' },
    summary:
      'Ends subscriptions and grants of a session, or of all sessions of a user, and denies the paths until something newer is said of them.',
    body: z.strictObject({
      id: sessionId.exactOptional(),
      paths: paths.exactOptional().meta({ description: 'With `id`: the paths to take from that session.' }),
      user: user.meta({
        description:
          'With `id`: a session that is bound to another user is left alone; null: only a session without a user.',
      }),
      patterns: z
        .array(pattern)
        .max(LIMITS.itemsPerRequest)
        .exactOptional()
        .meta({ description: 'Without `id`: what to take from all sessions of `user`.' }),
    }),
    reply: z.strictObject({
      results: z.array(
        z.union([
          z.strictObject({ path, wasSubscribed: z.boolean() }),
          z.strictObject({ path, error: itemError }),
          z.strictObject({ pattern, ended: z.int().meta({ description: 'Subscriptions.' }) }),
          z.strictObject({ pattern, error: itemError }),
        ]),
      ),
    }),
    async run({ id, paths: unwanted, user: named, patterns }, { operations }) {
      if (id === undefined) {
        if (typeof named !== 'string') throw wrong('user', 'Name a session by id, or a user.');
        if (patterns === undefined || unwanted !== undefined)
          throw wrong('patterns', 'From a user patterns are taken.');
        return { results: await operations.disconnectUser(named, patterns) };
      }
      if (unwanted === undefined || patterns !== undefined)
        throw wrong('paths', 'From a session paths are taken.');
      return { results: await operations.disconnect(id, unwanted, named) };
    },
  }),
  kick: defineMethod({
    scope: { names: 'nothing' },
    summary:
      'Ends a session, or all sessions of a user or a login; their clients come back as new ones unless reconnect is false.',
    body: z.strictObject({
      id: sessionId.exactOptional(),
      user: userName
        .exactOptional()
        .meta({ description: 'All sessions of this user, and the tokens made for it until now.' }),
      login: userName
        .exactOptional()
        .meta({ description: 'All sessions of this login, which ends for good.' }),
      reconnect: z
        .boolean()
        .exactOptional()
        .meta({ description: 'Whether the client may come back; default true.' }),
    }),
    reply: z.strictObject({
      kicked: z.boolean().meta({ description: 'Whether a session ended just now.' }),
      sessions: z.int().meta({ description: 'How many sessions ended just now.' }),
    }),
    async run({ id, user, login, reconnect: mayReturn = true }, { operations }) {
      if ([id, user, login].filter((name) => name !== undefined).length !== 1)
        throw wrong('id', 'Name one of id, user and login.');
      const whom = user !== undefined ? { user } : login !== undefined ? { login } : { id: id ?? '' };
      const sessions = await operations.kick(whom, mayReturn);
      return { kicked: sessions > 0, sessions };
    },
  }),
  sessions: defineMethod({
    scope: { names: 'nothing' },
    summary: 'Lists sessions, in the order of their ids.',
    body: z.strictObject({
      user: userName.exactOptional().meta({ description: 'Only sessions that are bound to this user.' }),
      login: userName.exactOptional().meta({ description: 'Only sessions of this login.' }),
      transport: transport.exactOptional().meta({ description: 'Only sessions that are connected so.' }),
      address: z.string().min(1).max(64).exactOptional().meta({
        description: 'Only sessions that are connected from this address, or from an `unknown` one.',
      }),
      ...page,
    }),
    reply: z.strictObject({
      sessions: z.array(
        z.strictObject({
          id: sessionId,
          user: z.string().nullable(),
          login: z.string().nullable(),
          info: anyJson.meta({ description: 'What is known of the user; null when nothing is.' }),
          transport: z.string().nullable().meta({ description: 'Null between connections.' }),
          address: z.string().nullable(),
          subscriptions: z.int(),
          openedAt: time,
          lastContactAt: time,
          lastCommandAt: z.int().nullable().meta({ description: 'Null before the first.' }),
        }),
      ),
      next: z.string().nullable(),
    }),
    run({ limit = DEFAULT_LIMIT, after, ...wanted }, context) {
      const address = wanted.address && (canonicalAddress(wanted.address) ?? wanted.address);
      // What the request leaves out may be anything.
      const matching = [...context.sessions.all].filter(
        ([, { user, login, connection }]) =>
          (wanted.user ?? user) === user &&
          (wanted.login ?? login) === login &&
          (wanted.transport ?? connection?.carrier.transport) === connection?.carrier.transport &&
          (address ?? connection?.carrier.address) === connection?.carrier.address,
      );
      const { items, next } = pageOf(matching, { after, limit });
      return {
        sessions: items.map(([id, session]) => ({
          id,
          user: session.user,
          login: session.login,
          info: session.identity?.info ?? null,
          transport: session.connection?.carrier.transport ?? null,
          address: session.connection?.carrier.address ?? null,
          subscriptions: session.paths.subscriptions.size,
          openedAt: session.openedAt,
          lastContactAt: session.lastContactAt,
          lastCommandAt: session.lastCommandAt,
        })),
        next,
      };
    },
  }),
  info: defineMethod({
    scope: { names: 'nothing' },
    summary: 'Tells the version, the uptime and the counters since the start.',
    body: z.strictObject({}),
    reply: z.strictObject({
      version: z.string(),
      uptimeMs: count,
      sessions: count,
      connections: count,
      paths: count,
      subscriptions: count,
      pending: count,
      updates: count,
      deliveries: count,
      gaps: count,
      gapsBy: z.strictObject({ evicted: count, restarted: count, slow: count, no_log: count }),
      slow: count,
      skipped: count,
      opened: count,
      resumed: count,
      delayed: count,
      commands: count,
      tooManyCommands: count,
    }),
    run: (_body, context) => ({ ...context.about(), ...engineInfo(context) }),
  }),
};

const wrong = (field: string, message: string) => fault('bad_field', { field, message });

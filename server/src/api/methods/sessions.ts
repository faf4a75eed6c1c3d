/** `sessions`: who is there. */
import { z } from 'zod';
import { LIMITS } from '../../../../protocol/limits.js';
import { canonicalAddress } from '../../auth/origins/addresses.js';
import { pageOf } from '../../core/data/page.js';
import { DEFAULT_LIMIT } from '../../core/operations/reading.js';
import type { TransportName } from '../../core/session/connection.js';
import type { Session } from '../../core/session/session.js';
import { defineMethod } from '../method.js';
import { anyJson, page, sessionId, userName } from '../schemas.js';

const login = z.string().min(1).max(LIMITS.nameCharacters);
const transport = z.enum(['websocket', 'event-stream', 'long-poll'] satisfies TransportName[]);

/** Lists sessions. */
export const sessions = defineMethod({
  name: 'sessions',
  scope: { names: 'nothing' },
  summary: 'Lists sessions, in the order of their ids.',
  body: z.strictObject({
    user: userName.exactOptional().meta({ description: 'Only sessions that are bound to this user.' }),
    login: login.exactOptional().meta({ description: 'Only sessions of this login.' }),
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
        openedAt: z.int().meta({ description: 'Milliseconds since 1970.' }),
        lastContactAt: z.int().meta({ description: 'Milliseconds since 1970.' }),
        lastCommandAt: z.int().nullable().meta({ description: 'Null before the first.' }),
      }),
    ),
    next: z.string().nullable(),
  }),
  run(body, context) {
    const { address } = body;
    const wanted = address === undefined ? body : { ...body, address: canonicalAddress(address) ?? address };
    const matching = [...context.sessions.all].filter(([, session]) => isWanted(session, wanted));
    const { after, limit = DEFAULT_LIMIT } = body;
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
});

/** What a session must be; what is left out may be anything. */
interface Wanted {
  readonly user?: string;
  readonly login?: string;
  readonly transport?: TransportName;
  readonly address?: string;
}

function isWanted({ user, login: tag, connection }: Session, wanted: Wanted): boolean {
  if (wanted.user !== undefined && wanted.user !== user) return false;
  if (wanted.login !== undefined && wanted.login !== tag) return false;
  if (wanted.transport !== undefined && wanted.transport !== connection?.carrier.transport) return false;
  return wanted.address === undefined || wanted.address === connection?.carrier.address;
}

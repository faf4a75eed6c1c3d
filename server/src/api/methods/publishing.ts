/** The methods that publish updates and send messages. */
import { z } from 'zod';
import { LIMITS } from '../../../../protocol/limits.js';
import { DobbyError } from '../../core/operations/dobby-error.js';
import { check } from '../../schema.js';
import { defineMethod } from '../method.js';
import { itemError, message, path, position, sessionId, userName } from '../schemas.js';

const except = z.array(sessionId).max(LIMITS.itemsPerRequest).exactOptional().meta({
  description: 'Sessions that are not to hear it.',
});
const idempotencyKey = z.string().min(1).max(LIMITS.nameCharacters).exactOptional().meta({
  description:
    'An update that comes again with the same key takes effect once within 5 minutes; each update of a list counts by itself.',
});
/** Its grammar is checked item by item, as that of the path. */
const key = z.string().exactOptional().meta({
  description: "The update is also the new value of this key in the path's state; null removes it.",
});
const version = z.int().min(1).nullable().exactOptional().meta({
  description:
    'Only if the entry of the key was last changed by the update of this offset; null: only if there is none.',
});
/** Whether the answer is that of an earlier request with the same key. */
const repeated = z.literal(true).exactOptional();

const published = z.strictObject({ position, repeated });
const update = z.strictObject({ path, message, key, version, except });
const result = z.union([published, z.strictObject({ error: itemError })]);

/** The methods that publish and send, by name. */
export const publishing = {
  update: defineMethod({
    scope: { names: 'one', field: 'path' },
    summary: 'Publishes an update to a path and answers its position.',
    body: update.extend({ idempotencyKey }),
    reply: published,
    async run({ idempotencyKey: once, ...request }, { operations }, caller) {
      const idempotency = caller.once(once, request);
      return answerOf(await operations.update(request, { idempotency }));
    },
  }),
  updates: defineMethod({
    scope: { names: 'each', field: 'updates', within: 'path' },
    summary: 'Publishes updates in order and answers each one by itself.',
    body: z.strictObject({
      // Each item is checked by itself, so that a faulty one does not stop the others.
      updates: z
        .array(z.unknown())
        .max(LIMITS.itemsPerRequest)
        .meta({ items: z.toJSONSchema(update, { unrepresentable: 'any' }) }),
      idempotencyKey,
    }),
    reply: z.strictObject({ results: z.array(result) }),
    async run({ updates: items, idempotencyKey: once }, { operations }, caller) {
      const results: z.infer<typeof result>[] = [];
      for (const [index, value] of items.entries()) {
        const checked = check(update, value, `updates.${index}`);
        if ('error' in checked) {
          results.push(checked);
          continue;
        }
        try {
          const idempotency = caller.once(once, value, index);
          const options = { prefix: `updates.${index}.`, idempotency };
          results.push(answerOf(await operations.update(checked.value, options)));
        } catch (error) {
          if (!(error instanceof DobbyError)) throw error;
          results.push({ error: error.body });
        }
      }
      return { results };
    },
  }),
  send: defineMethod({
    scope: { names: 'nothing' },
    summary: 'Sends a message to sessions, and to all sessions of users.',
    body: z.strictObject({
      sessions: z.array(sessionId).max(LIMITS.itemsPerRequest).exactOptional(),
      users: z.array(userName).max(LIMITS.itemsPerRequest).exactOptional(),
      message,
      idempotencyKey,
    }),
    reply: z.strictObject({
      sent: z.array(sessionId),
      unknown: z.array(z.string()).meta({ description: 'Ids and users that have no session.' }),
      repeated,
    }),
    async run({ idempotencyKey: once, ...request }, { operations }, caller) {
      const { message, ...to } = request;
      return answerOf(await operations.send(message, to, caller.once(once, request)));
    },
  }),
  broadcast: defineMethod({
    scope: { names: 'nothing' },
    summary: 'Sends a message to every session.',
    body: z.strictObject({ message, except, idempotencyKey }),
    reply: published,
    async run({ idempotencyKey: once, ...request }, { operations }, caller) {
      const { message, except: hidden } = request;
      return answerOf(await operations.broadcast(message, hidden, caller.once(once, request)));
    },
  }),
};

function answerOf<T extends { readonly isRepeated: boolean }>({ isRepeated, ...answer }: T) {
  return { ...answer, ...(isRepeated && { repeated: true as const }) };
}

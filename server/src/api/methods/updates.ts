/** `updates`: publishes many updates in order; each succeeds or fails by itself. */
import { z } from 'zod';
import { LIMITS } from '../../../../protocol/limits.js';
import { DobbyError } from '../../core/operations/dobby-error.js';
import { check } from '../../schema.js';
import { answerOf } from '../answers.js';
import { defineMethod } from '../method.js';
import {
  except,
  idempotencyKey,
  itemError,
  key,
  message,
  path,
  position,
  repeated,
  version,
} from '../schemas.js';

const item = z.strictObject({ path, message, key: key.exactOptional(), version, except });
const result = z.union([z.strictObject({ position, repeated }), z.strictObject({ error: itemError })]);

/** Publishes many updates, each by itself. */
export const updates = defineMethod({
  name: 'updates',
  scope: { names: 'each', field: 'updates', within: 'path' },
  summary: 'Publishes updates in order and answers each one by itself.',
  body: z.strictObject({
    // Each item is checked by itself, so that a faulty one does not stop the others.
    updates: z
      .array(z.unknown())

      .max(LIMITS.itemsPerRequest)
      .meta({ items: z.toJSONSchema(item, { unrepresentable: 'any' }) }),
    idempotencyKey,
  }),
  reply: z.strictObject({ results: z.array(result) }),
  async run({ updates: items, idempotencyKey: once }, { operations }, caller) {
    const results: z.infer<typeof result>[] = [];
    for (const [index, value] of items.entries()) {
      const checked = check(item, value, `updates.${index}`);
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
});

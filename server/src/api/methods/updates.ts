/** `updates`: publishes many updates in order; each succeeds or fails by itself. */
import { z } from 'zod';
import { LIMITS } from '../../../../protocol/limits.js';
import { draftOf, publishDraft } from '../../core/hub/draft.js';
import { check } from '../../schema.js';
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
const result = z.union([z.strictObject({ position }), z.strictObject({ error: itemError })]);

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
  reply: z.strictObject({ results: z.array(result), repeated }),
  async run({ updates: items }, { publisher }) {
    const results: z.infer<typeof result>[] = [];
    for (const [index, value] of items.entries()) {
      const prefix = `updates.${index}.`;
      const checked = check(item, value, `updates.${index}`);
      const draft = 'error' in checked ? checked : draftOf(checked.value, prefix);
      const outcome = 'error' in draft ? draft : await publishDraft(publisher, draft.value, prefix);
      results.push('error' in outcome ? outcome : { position: outcome.value.position });
    }
    return { results };
  },
});

/** `update`: publishes one update. */
import { z } from 'zod';
import { draftOf, publishDraft } from '../../core/hub/draft.js';
import { RequestFault } from '../../http/http-errors.js';
import { defineMethod } from '../method.js';
import { except, idempotencyKey, key, message, path, position, repeated, version } from '../schemas.js';

/** Publishes one update. */
export const update = defineMethod({
  name: 'update',
  scope: { names: 'one', field: 'path' },
  summary: 'Publishes an update to a path and answers its position.',
  body: z.strictObject({ path, message, key: key.exactOptional(), version, except, idempotencyKey }),
  reply: z.strictObject({ position, repeated, version }),
  async run(body, { publisher }) {
    const draft = draftOf(body);
    const outcome = 'error' in draft ? draft : await publishDraft(publisher, draft.value);
    if ('error' in outcome) throw new RequestFault(outcome.error);
    return { position: outcome.value.position };
  },
});

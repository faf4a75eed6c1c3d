/** The feature by which a client renews the token of its session. */
import { z } from 'zod';
import type { TokenFrame } from '../../../../protocol/frames.js';
import type { Feature } from '../../core/sessions/features.js';
import type { Sessions } from '../../core/sessions/sessions.js';
import { check } from '../../schema.js';

const schema = z.strictObject({ type: z.literal('token'), n: z.int().min(1), token: z.string().min(1) });

/** Returns the feature. */
export function tokenFeature(sessions: Sessions): Feature {
  return {
    name: 'tokens',
    frames: {
      token: {
        check: (value) => check(schema, value),
        take: (session, frame: TokenFrame) => sessions.takeToken(session, frame),
      },
    },
  };
}

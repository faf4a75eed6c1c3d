/** Says something to one person alone, in all tabs of theirs, wherever they look. Nothing of it is stored. */
import { defineCommand, Refused, z } from 'dobby/commands';

export default defineCommand({
  pattern: 'chat/{room}',
  args: z.strictObject({
    to: z.string(),
    text: z.string().trim().min(1, 'There is nothing to whisper.').max(500, 'That is too long to whisper.'),
  }),

  async run({ to, text }, { session, sendTo }) {
    const { sent } = await sendTo({ users: [to] }, { whisper: text, by: session.user });
    if (sent.length === 0) throw new Refused('Nobody hears you: they are not here.', { reason: 'away' });
    return { tabs: sent.length };
  },
});

/** Who types in a room, told to all others there; nothing of it is stored. The session's state holds where it types. */
import { defineCommand, z } from 'dobby/commands';

const toldOn = (room: string): string => `${room}/typing`;

export default defineCommand({
  pattern: 'chat/{room}',
  args: z.strictObject({ isTyping: z.boolean() }),
  ordered: true, // "types" and "types no more" never change places

  async run({ isTyping }, { session, path, update }) {
    if (isTyping === (session.state['typing'] === path)) return;
    session.patch({ typing: isTyping ? path : null });
    await update(toldOn(path), { by: session.user, isTyping });
  },

  // Somebody closed the browser in the middle of a word.
  async onSessionEnd({ user, state: { typing } }, { update }) {
    if (typeof typing === 'string') await update(toldOn(typing), { by: user, isTyping: false });
  },
});

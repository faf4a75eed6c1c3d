/** Who types in a room, told to all others there; nothing of it is stored. The session's state holds where it types. */
import { type CommandContext, defineCommand, z } from 'dobby/commands';

type Tell = (isTyping: boolean) => Promise<unknown>;

/** How to tell of each session that types, by its id. */
const telling = new Map<string, Tell>();

export default defineCommand({
  pattern: 'chat/{room}',
  args: z.strictObject({ isTyping: z.boolean() }),
  ordered: true, // "types" and "types no more" never change places

  async run({ isTyping }, context) {
    const { session, path } = context;
    if (isTyping === (session.state['typing'] === path)) return;
    session.patch({ typing: isTyping ? path : null });
    const tell = teller(context);
    if (isTyping) telling.set(session.id, tell);
    else telling.delete(session.id);
    await tell(isTyping);
  },

  // Somebody closed the browser in the middle of a word.
  async onSessionEnd({ id }) {
    await telling.get(id)?.(false);
    telling.delete(id);
  },
});

function teller({ path, session, update }: CommandContext): Tell {
  return (isTyping) => update(`${path}/typing`, { by: session.user, isTyping });
}

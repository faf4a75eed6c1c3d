/**
 * Lets a Pomona give commands and hear what is sent to its session: `pomona.send`, `pomona.onMessage`. Their frames are
 * described in docs/protocol.md, "Commands" and "Messages to sessions".
 */
import type { Json } from '../../../protocol/frames.js';
import { UPDATE } from '../frames.js';
import type { Pomona } from '../pomona.js';
import { UNKNOWN_OUTCOME } from './call.js';
import { Calls, CLOSED } from './calls.js';
import { type MessageListener, messagesOf } from './messages.js';
import type { CommandOptions } from './request.js';

export type { Json } from '../../../protocol/frames.js';
export type { MessageInfo, MessageListener } from './messages.js';
export { CommandError, type CommandErrorDetail, type CommandOptions } from './request.js';

/** What `withCommands` adds to a Pomona. */
export interface CommandsPomona {
  /**
   * Asks a handler of `path` to do `command`; resolves with its reply. Without a connection the command waits for one. It
   * is sent again after a connection was lost, and runs once. `args` is any JSON value, `{}` by default.
   *
   * Rejects with a `CommandError`, or with the reason of the signal that was aborted; it never throws.
   */
  send<Reply = Json>(path: string, command: string, args?: Json, options?: CommandOptions): Promise<Reply>;
  /**
   * Hears what is sent to this session or to everybody; returns the function that removes the listener. Without
   * listeners such messages are `update` events.
   */
  onMessage<Message = Json>(listener: MessageListener<Message>): () => void;
}

/** The same Pomona, which can now give commands and hear messages. Once is enough; once more does nothing. */
export function withCommands<P extends Pomona>(pomona: P): CommandsPomona & P {
  return pomona.extend('commands', (core) => {
    const calls = new Calls(core);
    const messages = messagesOf(core);
    return {
      frames: {
        [UPDATE]: messages.update,
        reply: (frame) => calls.reply(frame),
        error: (frame, handOn) => {
          if (!calls.refused(frame)) handOn(frame);
        },
      },
      opened: (frame) => calls.opened(frame),
      flush: () => calls.flush(),
      // What one visitor asked for is not done in the name of another.
      reopen: () => calls.failAll('disconnected', `Pomona was reopened: ${UNKNOWN_OUTCOME}`),
      closed: () => calls.failAll('closed', CLOSED),
      methods: {
        send: (path: string, command: string, args: Json = {}, options: CommandOptions = {}) =>
          calls.send({ path, command, args, options }),
        onMessage: messages.on,
      } as CommandsPomona,
    };
  });
}

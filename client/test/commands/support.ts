/** A Pomona that gives commands, what became of them, and what Dobby answers. */
import type { CommandFrame, Json } from '../../../protocol/frames.js';
import { CommandError, type CommandOptions, withCommands } from '../../src/commands/index.js';
import { Stage } from '../support.js';

export class CommandsStage extends Stage {
  readonly commanded = withCommands(this.pomona);
  /** What became of commands, in the order in which it did: replies, codes, and reasons of signals. */
  readonly outcomes: unknown[][] = [];

  /** Gives a command and notes what becomes of it. */
  give(command: string, options: CommandOptions = {}, args?: Json): void {
    this.commanded.send('chat/7', command, args, options).then(
      (reply) => this.outcomes.push([command, reply]),
      (error: unknown) => this.outcomes.push([command, error instanceof CommandError ? error.code : error]),
    );
  }

  /** The commands that the newest transport carried: name, number, and whether again. */
  get carried(): unknown[][] {
    return this.transport
      .sentOf('command')
      .map(({ command, n, again }) => (again ? [command, n, 'again'] : [command, n]));
  }

  /** How a command was sent last. */
  frameOf(name: string): CommandFrame {
    const all = this.transports.flatMap((transport) => transport.sentOf('command'));
    const found = all.findLast(({ command }) => command === name);
    if (found === undefined) throw new Error(`${name} was not sent`);
    return found;
  }

  /** Dobby replies. */
  async replies(name: string, reply: unknown = `${name}!`): Promise<void> {
    await this.transport.says({ type: 'reply', uid: this.frameOf(name).uid, reply });
  }

  /** The connection is lost. */
  async loses(code?: number): Promise<void> {
    await this.transport.ends({ ...(code !== undefined && { code }) });
  }

  /** The connection is lost and comes back. */
  async reconnects(opened: Record<string, unknown> = {}): Promise<void> {
    await this.loses();
    await this.clock.advance(1_000);
    await this.transport.opens({ resumed: true, connection: 2, ...opened });
  }
}

/** One that is open. */
export async function open(): Promise<CommandsStage> {
  const stage = new CommandsStage();
  await stage.transport.opens();
  return stage;
}

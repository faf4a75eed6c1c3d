#!/usr/bin/env node
/** The command line: `dobby` serves; `update`, `watch`, `history`, `sessions`, `info` and `kick` talk to a server that runs; `token` makes a token. */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { TokenKeysError } from '../auth/tokens/key-set.js';
import { ModuleError } from '../commands/modules/folder.js';
import { ConfigError } from '../config/config.js';
import { TEXT_FIELDS } from '../config/sources.js';
import { Utf8Error } from '../http/utf8.js';
import { StateFolderError } from '../stores/state-folder/state-folder.js';
import { VERSION } from '../version.js';
import { CommandError } from './client.js';
import { history, info, kick, sessions, update } from './methods.js';
import { serve } from './serve.js';
import { type TokenFlags, token } from './token.js';
import { watch } from './watch.js';

/** The whole command line. */
export function createProgram(): Command {
  const program = new Command('dobby')
    .description('A push server that stands beside your back end.')
    .version(VERSION)
    .enablePositionalOptions()
    .option('--config <file>', 'configuration file, JSON (DOBBY_CONFIG)')
    .helpCommand(true)
    .allowExcessArguments()
    .action((flags: Record<string, unknown>, command: Command) => {
      const [unknown] = command.args;
      if (unknown === undefined) return serve(flags);
      throw new CommandError(`there is no command "${unknown}"; see dobby --help`);
    });
  for (const { flag, kind, flagDescription, variable } of TEXT_FIELDS) {
    if (flag === null) continue;
    // Without this one the other would say "on" whenever it is not given, whatever file and environment say.
    if (flag.startsWith('--no-')) program.addOption(new Option(flag.replace('no-', '')).hideHelp());
    const shape = kind === 'switch' ? flag : `${flag} <${kind === 'list' ? 'items' : kind}>`;
    program.option(
      shape,
      `${flagDescription}${kind === 'list' ? ', with commas between' : ''} (${variable})`,
    );
  }
  addMethods(program);
  addToken(program);
  return program;
}

function addMethods(program: Command): void {
  addRemote(program, 'update <path> <message>', update)
    .description('publish an update; a message that is not JSON is text')
    .option(
      '--state-key <key>',
      "make it the new value of this key in the path's state; null removes the key",
    )
    .option('--except <ids>', 'sessions that are not to hear it, with commas between');
  addRemote(program, 'watch <path>', watch)
    .description('print every update of a path, a JSON line each')
    .option('--state', 'print its state first: the newest message of each key');
  addRemote(program, 'history <path>', history)
    .description('print the newest updates that the log of a path holds, a JSON line each')
    .option('--limit <number>', 'how many at most, by default 100');
  addRemote(program, 'sessions', sessions)
    .description('print the sessions, a JSON line each')
    .option('--user <name>', 'only those that are bound to this user')
    .option('--login <tag>', 'only those of this login')
    .option('--transport <name>', 'only those that are connected so: websocket, event-stream or long-poll')
    .option('--address <address>', 'only those that are connected from this address')
    .option('--limit <number>', 'how many at most, by default all');
  addRemote(program, 'info', info).description('print version, uptime and counters as JSON');
  addRemote(program, 'kick [id]', kick)
    .description('end a session, or all of a user or a login, and print how many ended')
    .option('--user <name>', 'end all sessions of this user')
    .option('--login <tag>', 'end all sessions of this login, which ends for good')
    .option('--no-reconnect', 'let the client not come back by itself');
}

function addToken(program: Command): void {
  const collect = (item: string, items: readonly string[] | undefined) => [...(items ?? []), item];
  program
    .command('token')
    // `--grant a b` would grant less than meant, without a word.
    .allowExcessArguments(false)
    .description('make a token of a session, or with --path of paths, and print it')
    .option('--user <name>', 'whose token it is; without it nobody is named')
    .option('--login <tag>', 'the tag of the login')
    .option('--info <json>', 'what is said of the user')
    .option('--grant <pattern>', 'a path or pattern that the session may hear; may be repeated', collect)
    .option('--path <pattern>', 'a path or pattern that the token opens; may be repeated', collect)
    .option('--lifetime <time>', 'such as 30s, 15m, 1h or 7d, by default 1h')
    .option('--audience <name>', 'for whom it is made, by default tokenAudience of the configuration')
    .option('--issuer <name>', 'who issues it, by default tokenIssuer of the configuration')
    .option('--config <file>', 'configuration file of the server (DOBBY_CONFIG)')
    .option('--state-dir <folder>', 'the state folder of the server on this machine (DOBBY_STATE_DIR)')
    .action((_options: unknown, command: Command) => token(command.optsWithGlobals<TokenFlags>()));
}

/** Adds a command that talks to a running server: `run` is given its arguments, and then all flags. */
function addRemote(program: Command, shape: string, run: (...given: never[]) => Promise<void>): Command {
  return program
    .command(shape)
    .action((...given: unknown[]) => {
      const [args, command] = [given.slice(0, -2), given.at(-1) as Command];
      return run(...([...args, command.optsWithGlobals()] as never[]));
    })
    .option('--url <url>', 'the server, by default where its configuration lets it listen (DOBBY_URL)')
    .option('--host <text>', 'address of the server, by default that of its configuration (DOBBY_HOST)')
    .option('--port <number>', 'port of the server, by default that of its configuration (DOBBY_PORT)')
    .option('--config <file>', 'configuration file of the server (DOBBY_CONFIG)')
    .option('--key <key>', 'the API key, by default the one in the state folder (DOBBY_API_KEY)')
    .option('--state-dir <folder>', 'the state folder of the server on this machine (DOBBY_STATE_DIR)');
}

/** Runs it; what a user can mend is told in one line. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(argv);
  } catch (error) {
    if (!isExpected(error)) throw error;
    process.stderr.write(`dobby: ${adviceFor(error)}\n`);
    process.exitCode = 1;
  }
}

const EXPECTED = [ConfigError, StateFolderError, Utf8Error, ModuleError, CommandError, TokenKeysError];

/** What a person can mend: a wrong configuration, a wrong command, an address that cannot be listened on. */
function isExpected(error: unknown): error is Error {
  if (EXPECTED.some((Expected) => error instanceof Expected)) return true;
  return (
    error instanceof Error && 'syscall' in error && ['listen', 'getaddrinfo'].includes(String(error.syscall))
  );
}

function adviceFor(error: Error): string {
  const isTaken = 'code' in error && error.code === 'EADDRINUSE';
  return isTaken ? `${error.message}; does another Dobby run? --port chooses another port` : error.message;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await main(process.argv);
}

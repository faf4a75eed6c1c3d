/**
 * How the other commands reach a running server: its address and key, as its configuration says unless flags say otherwise, and one
 * request.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorAnswer } from '../../../protocol/frames.js';
import { checkedSecrets } from '../../../protocol/secrets.js';
import type { Config } from '../config/config.js';
import { loadConfig } from '../config/sources.js';
import { redirectAdvice } from '../http/outgoing.js';
import { readUtf8 } from '../http/utf8.js';

/** A command could not do what it was asked; the message is for the person at the terminal. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** A command is refused in a way that trying again does not change. */
export class FinalError extends CommandError {}

/** Prints a line of JSON. */
export const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

/** The flags that say which server. */
export interface Remote {
  readonly url?: string;
  readonly key?: string;
  readonly stateDir?: string;
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly endpoint?: string;
}

/** Addresses to listen on that stand for all of the machine, and how it is reached there. */
const EVERYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** The configuration of the server, as this machine knows it. */
function configOf({ config: file, host, port, endpoint, stateDir }: Remote): Config {
  return loadConfig({ file, environment: process.env, flags: { host, port, endpoint, stateDir } });
}

/** Returns the server's address, without a slash at the end: `--url`, `--host` and `--port`, `DOBBY_URL`, or the configuration. */
export function serverUrl(remote: Remote): string {
  const isNamed = remote.host !== undefined || remote.port !== undefined;
  const given = remote.url ?? (isNamed ? undefined : process.env['DOBBY_URL'] || undefined);
  if (given === undefined) return listeningUrl(configOf(remote));
  const trimmed = given.replace(/\/+$/, '');
  if (!/^https?:$/.test(URL.canParse(trimmed) ? new URL(trimmed).protocol : '')) {
    throw new CommandError(`"${given}" is not the URL of a server, such as http://127.0.0.1:4020`);
  }
  return trimmed;
}

function listeningUrl({ host, port }: Config): string {
  if (port === 0) {
    throw new CommandError(
      'the configuration says port 0, any that is free: --url or --port names the server',
    );
  }
  const reached = EVERYWHERE[host] ?? host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}

/** Returns the URL of the server's endpoint for clients. */
export function endpointUrl(remote: Remote): string {
  return `${serverUrl(remote)}${configOf(remote).endpoint}`;
}

/** Calls a method of the API. Rejects with CommandError or ConfigError. */
export async function call(remote: Remote, method: string, body: object): Promise<unknown> {
  const response = await request(`${serverUrl(remote)}/api/${method}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${apiKey(remote)}` },
    body: JSON.stringify(body),
  });
  return response.json();
}

/** Makes one request and follows no redirect; an answer that is not 2xx is a CommandError with the server's own words. */
export async function request(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, redirect: 'manual' });
  } catch (error) {
    throw new CommandError(
      `no server answers at ${new URL(url).origin} (${reasonOf(error)}); --url or --port names another`,
    );
  }
  if (response.ok) return response;
  const answer = (await response.json().catch(() => null)) as ErrorAnswer | null;
  if (answer?.error === undefined) {
    const { status } = response;
    const redirect = redirectAdvice(status, response.headers.get('location'), {
      from: url,
      setting: '--url',
    });
    const Kind = redirect === '' ? CommandError : FinalError;
    throw new Kind(`${new URL(url).origin} answered ${status}${redirect || ', and not as Dobby does'}`);
  }
  const { code, message, field } = answer.error;
  const Kind = answer.error.retryable ? CommandError : FinalError;
  throw new Kind(`${code}${field === undefined ? '' : ` (${field})`}: ${message}`);
}

function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? String(error);
}

function apiKey(remote: Remote): string {
  if (remote.key !== undefined) return firstKey(remote.key, 'the API key');
  const { apiKey: configured, stateDir } = configOf(remote);
  if (configured !== undefined) return firstKey(configured, 'the API key');
  const file = join(stateDir, 'api-key');
  if (existsSync(file)) return firstKey(readUtf8(file), `"${file}"`);
  throw new CommandError(`no API key: give --key or DOBBY_API_KEY, or run this where "${file}" is`);
}

function firstKey(text: string, what: string): string {
  const keys = checkedSecrets(text, 1);
  if (keys === null) throw new CommandError(`${what} has characters that no key has, or none at all`);
  return keys[0];
}

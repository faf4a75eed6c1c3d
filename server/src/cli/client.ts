/** How the other commands reach a running server: its address and key, and one request. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorAnswer } from '../../../protocol/frames.js';
import { checkedSecrets } from '../../../protocol/secrets.js';
import { completeConfig } from '../config/config.js';

/** A command could not do what it was asked; the message is for the person at the terminal. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** A command is refused in a way that trying again does not change. */
export class FinalError extends CommandError {}

/** What a server is where nothing says otherwise. */
const STANDARD = completeConfig({});

/** The flags that say which server. */
export interface Remote {
  readonly url?: string;
  readonly key?: string;
  readonly stateDir?: string;
}

/** The server's address, without a slash at the end. */
export function serverUrl({ url }: Remote): string {
  const given = (url ?? process.env['DOBBY_URL'] ?? `http://${STANDARD.host}:${STANDARD.port}`).replace(
    /\/+$/,
    '',
  );
  if (!/^https?:$/.test(URL.canParse(given) ? new URL(given).protocol : '')) {
    throw new CommandError(`"${given}" is not the URL of a server, such as http://127.0.0.1:4020`);
  }
  return given;
}

/** The URL of the server's endpoint for clients. */
export function endpointUrl(remote: Remote): string {
  return `${serverUrl(remote)}${process.env['DOBBY_ENDPOINT'] ?? STANDARD.endpoint}`;
}

/** Calls a method of the API. Rejects with CommandError. */
export async function call(remote: Remote, method: string, body: object): Promise<unknown> {
  const response = await request(`${serverUrl(remote)}/api/${method}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${apiKey(remote)}` },
    body: JSON.stringify(body),
  });
  return response.json();
}

/** One request; an answer that is not 2xx is a CommandError with the server's own words. */
export async function request(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    throw new CommandError(
      `no server answers at ${new URL(url).origin} (${reasonOf(error)}); --url names another`,
    );
  }
  if (response.ok) return response;
  const answer = (await response.json().catch(() => null)) as ErrorAnswer | null;
  if (answer?.error === undefined) throw new CommandError(`the server answered ${response.status}`);
  const { code, message, field } = answer.error;
  const Kind = answer.error.retryable ? CommandError : FinalError;
  throw new Kind(`${code}${field === undefined ? '' : ` (${field})`}: ${message}`);
}

function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? String(error);
}

function apiKey({ key, stateDir }: Remote): string {
  const given = key ?? process.env['DOBBY_API_KEY'];
  if (given !== undefined) return firstKey(given, 'the API key');
  const file = join(stateDir ?? process.env['DOBBY_STATE_DIR'] ?? STANDARD.stateDir, 'api-key');
  if (existsSync(file)) return firstKey(readFileSync(file, 'utf8'), `"${file}"`);
  throw new CommandError(`no API key: give --key or DOBBY_API_KEY, or run this where "${file}" is`);
}

function firstKey(text: string, what: string): string {
  const keys = checkedSecrets(text, 1);
  if (keys === null) throw new CommandError(`${what} has characters that no key has, or none at all`);
  return keys[0];
}

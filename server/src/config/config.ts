/**
 * The one schema behind the command line, the environment, the configuration file and the options of the library. Every field has a
 * default, so that nothing need be configured to start.
 */
import { getHeapStatistics } from 'node:v8';
import { z } from 'zod';
import { LIMITS } from '../../../protocol/limits.js';
import { checkedSecrets } from '../../../protocol/secrets.js';
import { networkOf } from '../auth/origins/addresses.js';
import { canonicalOrigin, pattern } from '../schema.js';

/** Secrets or keys, one in each line: the first signs, all of them verify. */
const secrets = (minCharacters: number) =>
  z
    .string()
    .refine(
      (text) => checkedSecrets(text, minCharacters) !== null,
      `at least ${minCharacters} characters of ASCII in each line, no spaces`,
    );

/** An address, a network such as `10.0.0.0/8`, or `loopback`. */
const proxy = z
  .string()
  .refine((text) => text === 'loopback' || networkOf(text) !== null, 'neither an address nor a network');

/** An origin such as `https://app.example`, exactly as browsers send it. */
const origin = z
  .string()
  .refine((text) => canonicalOrigin(text) !== null, 'not an origin such as "https://app.example"')
  .transform((text) => canonicalOrigin(text) ?? text);

/** What a subscription to a path of its own costs in memory. */
const SUBSCRIPTION_BYTES = 1024;
const MB = 1024 * 1024;

/** Shapes that several fields have. */
const ms = z
  .int()
  .min(1)
  .max(24 * 60 * 60 * 1000);
const bytes = z
  .int()
  .min(MB)
  .default(256 * MB);
const positive = z.int().min(1);
const connections = positive.max(1_000).default(32);
const text = z.string().min(1);
const patterns = z.array(pattern).default([]);
const webUrl = (example: string) =>
  z.string().refine(isWebUrl, `not a URL such as "${example}"`).exactOptional();

const log = z.strictObject({
  maxUpdates: positive.default(1_000),
  maxBytes: z.int().min(1_024).default(MB),
  maxAgeMs: positive.default(5 * 60 * 1000),
});

const state = z.strictObject({
  maxKeys: positive.default(10_000),
  maxBytes: z
    .int()
    .min(1_024)
    .default(4 * MB),
});

/** One object, so that a state that was asked for can be told from it. */
const DEFAULT_STATE = state.parse({});

const policy = z.strictObject({
  log: z
    .union([z.literal(false), log], 'false, or an object with maxUpdates, maxBytes, maxAgeMs')
    .default(log.parse({})),
  state: z
    .union([z.literal(false), state], 'false, or an object with maxKeys, maxBytes')
    .default(() => DEFAULT_STATE),
  slow: z.enum(['resume', 'latest']).default('resume'),
});

/** What is kept of a path where no policy says otherwise. */
export const DEFAULT_POLICY = policy.parse({});

/** The configuration. */
export const configSchema = z.strictObject({
  host: text.default('127.0.0.1').describe('address to listen on'),
  port: z.int().min(0).max(65_535).default(4020).describe('port to listen on; 0 for any that is free'),
  endpoint: z
    .string()
    .regex(/^\/[\w./-]+$/, 'a path such as "/comet"')
    .refine(
      (url) => !/^\/(api|health|demo|pomona(-state|-commands|-tokens)?\.js)(\/|$)/.test(url),
      'this address belongs to something else',
    )
    .default('/comet')
    .describe('URL path of the endpoint for clients'),
  stateDir: text.default('.dobby').describe('folder for what outlives a restart'),
  apiKey: secrets(16)
    .exactOptional()
    .describe('key of the API, or several, one in each line; by default one is made'),
  public: patterns.describe('patterns of paths that everybody may hear'),
  allowedOrigins: z.array(origin).default([]).describe('origins of pages that may connect'),
  trustedProxies: z
    .array(proxy)
    .default(['loopback'])
    .describe('addresses whose X-Forwarded-* headers are believed'),
  paths: z
    .array(
      policy
        .extend({ pattern })
        .refine(
          ({ log, slow }) => log !== false || slow === 'resume',
          'what is slow is read from the log: "latest" needs one',
        )
        .refine(
          ({ log, state }) => log !== false || state === false || state === DEFAULT_STATE,
          'a state stands beside the log: "state" needs a log',
        )
        .transform((policy) => (policy.log === false ? { ...policy, state: false as const } : policy)),
    )
    .default([])
    .describe('policies of paths by pattern, the first match wins'),
  maxLogBytes: bytes.describe('bytes of all logs together'),
  maxStateBytes: bytes.describe('bytes of all states together'),
  maxSubscriptions: z
    .int()
    .min(1_000)
    .default(() => Math.max(1_000, Math.floor(getHeapStatistics().heap_size_limit / 2 / SUBSCRIPTION_BYTES)))
    .describe('subscriptions of all sessions together; by default what half of the heap may hold'),
  maxOpensPerSecond: positive
    .default(2_000)
    .describe('connections that may be opened in a second; the answer to others says when to come back'),
  tickets: z.boolean().default(true).meta({
    description: 'tickets carry user and grants, so that a crash costs the back end no question',
    flag: 'tickets name their session only: after a crash the back end is asked again',
  }),
  commands: text.exactOptional().describe('folder of modules that take commands'),
  watchCommands: z
    .boolean()
    .default(false)
    .describe('load the modules again when their files change, for development'),
  commandUrl: webUrl('http://127.0.0.1:8000/dobby/command/').describe(
    'URL of the back end that takes the other commands',
  ),
  orderedCommands: patterns.describe(
    'patterns of paths on which the back end gets the commands of a session one after the other',
  ),
  commandConnections: connections.describe('connections to the back end at a time'),
  webhookSecret: secrets(16)
    .exactOptional()
    .describe(
      'secret that signs what the back end is asked, the first line of several; by default one is made',
    ),
  sessionUrl: webUrl('http://127.0.0.1:8000/dobby/session/').describe(
    'URL of the back end that says who is asking and what they may hear',
  ),
  forwardHeaders: z
    .array(z.string().toLowerCase().refine(isForwardable, 'not a header that can be forwarded'))
    .default([])
    .describe('headers of clients, beside their cookies, that the back end is shown there'),
  sessionConnections: connections.describe('connections to the back end at a time for these questions'),
  sessionTimeoutMs: ms
    .max(LIMITS.requestMs)
    .default(5_000)
    .describe('how long the back end may take to answer them'),
  tokenSecret: secrets(32)
    .refine((secret) => !secret.includes('-----BEGIN'), 'a public key is no secret: name it in tokenKeys')
    .exactOptional()
    .describe(
      'secret that signs tokens (HS256), or several, one in each line; by default one is made, unless tokenKeys is set',
    ),
  tokenKeys: text.exactOptional().describe('file or URL of the keys (JWKS) that tokens are checked with'),
  tokenIssuer: text.exactOptional().describe('who must have issued tokens'),
  tokenAudience: text.default('dobby').describe('for whom tokens must have been made'),
  maxTokenAgeMs: ms
    .default(60 * 60 * 1000)
    .describe('how old a token may be, and how long it is remembered what was taken back'),
  apiKeys: text
    .exactOptional()
    .describe('file of further API keys, each for some methods and paths; read again when it changes'),
  maxCommandsPerSecond: positive.default(100).describe('commands that a session may give in a second'),
  commandTimeoutMs: ms
    .max(LIMITS.commandMs)
    .default(LIMITS.commandMs)
    .describe('how long a command may take'),
  headTtlMs: ms.default(24 * 60 * 60 * 1000).describe('how long an unused path keeps its epoch'),
  sessionTtlMs: ms.default(30_000).describe('how long a session waits without a connection'),
  grantWaitMs: ms.default(10_000).describe('how long a path waits for its grant'),
  stallMs: ms.default(30_000).describe('how long a socket may take no byte'),
  pingIntervalMs: ms
    .max(LIMITS.pingIntervalMs)
    .default(LIMITS.pingIntervalMs)
    .describe('time between two pings'),
  logLevel: z
    .enum(['silent', 'error', 'warn', 'info', 'debug'])
    .default('info')
    .describe('how much is logged, to standard error'),
  counters: z.boolean().default(false).describe('print a line of counters every second'),
  demo: z.boolean().default(false).describe('serve the demonstration page, and open demo/{name*}'),
});

/** A complete configuration. */
export type Config = z.output<typeof configSchema>;

/** A configuration as one writes it: everything is optional. */
export type ConfigInput = z.input<typeof configSchema>;

/** The configuration is wrong; the message names the field and where it came from. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

function isWebUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && hash === '';
}

/** A name of a header that says something of the client, not of the connection or of Dobby. */
function isForwardable(name: string): boolean {
  const isOurs =
    /^(host|cookie|origin|connection|upgrade|te|trailer|transfer-encoding|keep-alive|proxy-.*|content-.*|expect|accept|dobby-signature|x-forwarded-.*|forwarded|sec-websocket-.*)$/;
  return /^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/.test(name) && !isOurs.test(name);
}

/** Checks and completes a configuration. @throws ConfigError */
export function completeConfig(input: unknown, source = 'the configuration'): Config {
  const result = configSchema.safeParse(input);
  if (result.success) return result.data;
  const complaints = result.error.issues.map((issue) => {
    const field = issue.path.join('.');
    return field === '' ? issue.message : `${field}: ${issue.message}`;
  });
  throw new ConfigError(`${source}: ${complaints.join('; ')}`);
}

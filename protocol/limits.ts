/**
 * Every bound that both ends must know, in one closed table, each with the code of the error that
 * tells of it (docs/protocol.md, "Limits"). Sizes are in bytes of UTF-8, times in milliseconds.
 */

/** The version of the protocol that an `open` frame names. */
export const PROTOCOL_VERSION = 1;

/** The bounds of the protocol. A deployment may lower some of them, never raise them. */
export const LIMITS = {
  /** A path's length in bytes; code `bad_path`. */
  pathBytes: 255,
  /** A key's length in bytes; code `bad_key`. */
  keyBytes: 255,
  /** One message, as JSON; code `too_large`. */
  messageBytes: 64 * 1024,
  /** One upstream frame other than `open`; code `too_large`. */
  frameBytes: 64 * 1024,
  /** An `open` frame, and the body of any POST to the endpoint; code `too_large`. */
  openBytes: 256 * 1024,
  /** The headers of a request, with its URL; code `headers_too_large`. */
  headerBytes: 16 * 1024,
  /** The body of an API request; code `too_large`. */
  apiBodyBytes: 1024 * 1024,
  /** How long a request may take to arrive; code `request_timeout`. */
  requestMs: 10_000,
  /** How long a new socket may take to send its first frame; close code `open_timeout`. */
  openMs: 10_000,
  /** Paths that a session may be subscribed to or wait for; code `too_many_subscriptions`. */
  subscriptionsPerSession: 1_000,
  /** Sessions without any subscription, in one server; code `too_many_sessions`. */
  idleSessions: 10_000,
  /** Items of one API request (`updates`, `paths` of `connect`, `except`, `keys` of `state`, `names` of `paths`); code `too_many_items`. */
  itemsPerRequest: 1_000,
  /** Paths in one frame; code `too_many_items`. */
  pathsPerFrame: 5_000,
  /** Newest updates that a path may be asked for with `last`; code `bad_field`. */
  lastUpdates: 1_000,
  /** Frames in one upstream POST; code `too_many_items`. */
  framesPerPost: 100,
  /** A user's name, an idempotency key: characters; code `bad_field`. */
  nameCharacters: 255,
  /** A token: characters; code `bad_token`. */
  tokenCharacters: 16_384,
  /** Different tokens in one frame; code `too_many_items`. */
  tokensPerFrame: 100,
  /** The `info` of a user, as JSON: characters; code `bad_field`. */
  infoCharacters: 4_096,
  /** The `uid` of a command: characters; code `bad_field`. */
  uidCharacters: 64,
  /** A command's name in bytes; code `bad_field`. */
  commandBytes: 255,
  /** Commands of one session that run or wait at a time; code `too_many_commands`. */
  commandsAtATime: 16,
  /** How long a command may take, unless the configuration allows less; code `timeout`. */
  commandMs: 30_000,
  /** How long the answer to a command is kept at least for a client that asks again; the last 128 of a session push out older ones. */
  recordMs: 2 * 60 * 1000,
  /** How long a poll is held before it is answered empty. */
  pollHoldMs: 25_000,
  /** How long a probe may take until its client opens a connection or leaves; close code `open_timeout`. */
  probeMs: 15_000,
  /** Probes of one address at a time; code `too_many_probes`. */
  probesPerAddress: 20,
  /** Probes of all addresses at a time; code `too_many_probes`. */
  probes: 1_000,
  /** How often the server pings WebSockets and event streams. */
  pingIntervalMs: 25_000,
} as const;

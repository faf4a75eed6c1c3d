/** `dobby token`: makes a token of a session or of paths and prints it, to try things out or for a back end without a library. */
import { SignJWT } from 'jose';
import { LIMITS } from '../../../protocol/limits.js';
import { patternFault } from '../../../protocol/patterns.js';
import { secretsOf } from '../../../protocol/secrets.js';
import { identityOf, pathTokenOf } from '../auth/tokens/token-claims.js';
import type { Claims } from '../auth/tokens/token-times.js';
import type { Config } from '../config/config.js';
import { loadConfig } from '../config/sources.js';
import { StateFolder } from '../stores/state-folder/state-folder.js';
import { CommandError } from './client.js';

/** The flags; what they leave out is as the server's configuration says. */
export interface TokenFlags {
  readonly user?: string;
  readonly login?: string;
  readonly info?: string;
  readonly grant?: readonly string[];
  readonly path?: readonly string[];
  readonly lifetime?: string;
  readonly audience?: string;
  readonly issuer?: string;
  readonly config?: string;
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_LIFETIME_MS = 365 * 86_400_000;

/** Prints a token. Rejects with CommandError, ConfigError or StateFolderError. */
export async function token(flags: TokenFlags): Promise<void> {
  const said = claimsOf(flags);
  const lifetimeMs = durationOf(flags.lifetime ?? '1h');
  const config = loadConfig({ file: flags.config, environment: process.env, flags: { ...flags } });
  const secret = secretOf(config);
  const now = Date.now();
  const issuer = flags.issuer ?? config.tokenIssuer;
  const jwt = await new SignJWT({
    ...said,
    aud: flags.audience ?? config.tokenAudience,
    ...(issuer === undefined ? {} : { iss: issuer }),
    // With milliseconds: a token that is made in the second in which something was taken back is younger than that.
    iat: now / 1000,
    exp: (now + lifetimeMs) / 1000,
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(new TextEncoder().encode(secret));
  if (jwt.length > LIMITS.tokenCharacters)
    throw new CommandError(`this token would have ${jwt.length} characters, more than any may have`);
  if (lifetimeMs > config.maxTokenAgeMs) {
    const seconds = config.maxTokenAgeMs / 1000;
    process.stderr.write(`dobby: the server takes this token for ${seconds} s only (maxTokenAgeMs)\n`);
  }
  process.stdout.write(`${jwt}\n`);
}

/** What the token says beside its times, checked as the server will check it. */
function claimsOf({ user, login, info, grant, path }: TokenFlags): Claims {
  if (path !== undefined && (grant !== undefined || info !== undefined)) {
    throw new CommandError('a token is of paths (--path) or of a session (--grant, --info), not of both');
  }
  checkPatterns('--grant', grant ?? []);
  checkPatterns('--path', path ?? []);
  const given = {
    sub: user,
    login,
    info: info === undefined ? info : parseInfo(info),
    grants: grant,
    paths: path,
  };
  const claims = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const outcome = (path === undefined ? identityOf : pathTokenOf)(claims, { at: 0, expiresAt: 0 });
  if ('error' in outcome) throw new CommandError(outcome.error.message);
  return claims;
}

function checkPatterns(flag: string, patterns: readonly string[]): void {
  for (const pattern of patterns) {
    const fault = patternFault(pattern);
    if (fault !== null) throw new CommandError(`${flag}: ${fault}`);
  }
}

function parseInfo(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandError(`--info is JSON, such as '{"name": "Ann"}'`);
  }
}

function durationOf(text: string): number {
  const [, number, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const ms = Number(number) * (UNIT_MS[unit ?? ''] ?? 0);
  if (ms > 0 && ms <= MAX_LIFETIME_MS) return ms;
  throw new CommandError(`--lifetime is a time such as 30s, 15m, 1h or 7d, at most a year: "${text}"`);
}

function secretOf({ tokenSecret, tokenKeys, stateDir }: Config): string {
  const configured = secretsOf(tokenSecret ?? '');
  if (configured !== null) return configured[0];
  if (tokenKeys !== undefined) {
    throw new CommandError(
      'tokens are signed elsewhere: this server takes those that tokenKeys fits, and has no tokenSecret',
    );
  }
  return new StateFolder(stateDir, () => {
    // Tickets only, and none is made here.
  }).made('token-secret').key;
}

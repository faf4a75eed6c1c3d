/** The text of the file of API keys, read: each fault is told with its field, and none quotes a key. */
import { z } from 'zod';
import { compilePattern } from '../../../../protocol/patterns.js';
import { type ApiKey, digestOf } from './api-keys.js';

/** Keys have at least so many characters, so nothing shorter that is quoted is one. */
const MIN_KEY_CHARACTERS = 16;

/** The file of API keys cannot be used; the message says where it is wrong, without any key. */
export class ApiKeyFileError extends Error {
  override readonly name = 'ApiKeyFileError';
}

/** What keys are held to beyond their own form. */
export interface KeyRules {
  /** The methods that there are. */
  readonly methods: readonly string[];
  /** Whether a digest is that of the key that may do everything: it would be no less so for being listed. */
  readonly isTaken: (digest: Buffer) => boolean;
}

/** Reads the keys. @throws ApiKeyFileError */
export function parseKeys(text: string, rules: KeyRules): ApiKey[] {
  const result = schemaOf(rules.methods).safeParse(parseJson(text));
  const complaints = result.success
    ? clashes(result.data, rules.isTaken)
    : result.error.issues.map(complaint);
  if (!result.success || complaints.length > 0) throw new ApiKeyFileError(complaints.join('; '));
  return result.data;
}

const pattern = z.string().transform((source, context) => {
  try {
    return compilePattern(source);
  } catch (error) {
    context.addIssue({ code: 'custom', message: String((error as Error).message) });
    return z.NEVER;
  }
});

function schemaOf(methods: readonly string[]): z.ZodType<ApiKey[]> {
  const key = z
    .strictObject({
      name: z.string().regex(/^[\w.-]{1,64}$/, '1 to 64 letters, digits, "_", "-" and "."'),
      key: z
        .string()
        .regex(
          new RegExp(`^[!-~]{${MIN_KEY_CHARACTERS},}$`),
          `at least ${MIN_KEY_CHARACTERS} characters of ASCII, no spaces`,
        )
        .exactOptional(),
      sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/i, 'the SHA-256 of the key as 64 hexadecimal digits')
        .exactOptional(),
      methods: z
        .array(z.enum(methods, 'there is no method of this name'))
        .min(1, 'at least one; without the field all')
        .exactOptional(),
      patterns: z.array(pattern).min(1, 'at least one; without the field all paths').exactOptional(),
    })
    .transform(({ name, key, sha256, methods = null, patterns = null }, context): ApiKey => {
      if ((key === undefined) === (sha256 === undefined)) {
        context.addIssue({ code: 'custom', path: ['key'], message: 'either "key" or "sha256" is needed' });
        return z.NEVER;
      }
      const digest = key === undefined ? Buffer.from(sha256 ?? '', 'hex') : digestOf(key);
      return { name, digest, methods: methods && new Set(methods), patterns };
    });
  return z.array(key, 'a list of keys');
}

/** What makes a key one of several with its name or its text. */
function clashes(keys: readonly ApiKey[], isTaken: KeyRules['isTaken']): string[] {
  const names = new Set<string | null>();
  const digests = new Set<string>();
  return keys.flatMap(({ name, digest }, index) => {
    const hex = digest.toString('hex');
    const found: string[] = [];
    if (names.has(name)) found.push(`${index}.name: another key has this name`);
    if (digests.has(hex)) found.push(`${index}.key: this is the key of another name`);
    if (isTaken(digest)) found.push(`${index}.key: this is the key that may do everything`);
    names.add(name);
    digests.add(hex);
    return found;
  });
}

/** The parser's own message quotes the text. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const place = /at position \d+/.exec((error as Error).message)?.[0];
    throw new ApiKeyFileError(place === undefined ? 'this is not JSON' : `this is not JSON, ${place}`);
  }
}

function complaint(issue: z.core.$ZodIssue): string {
  const isUnknown = issue.code === 'unrecognized_keys';
  const unknown = isUnknown ? (issue.keys[0] ?? '') : '';
  const shown = unknown.length < MIN_KEY_CHARACTERS ? unknown : '';
  const field = [...issue.path.map(String), shown].filter((part) => part !== '').join('.');
  const message = isUnknown ? 'there is no field of this name' : issue.message;
  return field === '' ? message : `${field}: ${message}`;
}

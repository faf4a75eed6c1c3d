/** Parses the file of API keys. An error names each field at fault and never quotes a key. */
import { z } from 'zod';
import { compilePattern } from '../../../../protocol/patterns.js';
import { parseJson } from '../../http/utf8.js';
import { pattern } from '../../schema.js';
import { type ApiKey, digestOf } from './api-keys.js';

/** The least length of a key: a shorter text can be quoted, since it cannot be a key. */
const MIN_KEY_CHARACTERS = 16;

/** What keys must match beyond their own schema. */
export interface KeyRules {
  /** Names of the API's methods. */
  readonly methods: readonly string[];
  /** Returns whether a digest is that of an unrestricted key, which the file cannot restrict. */
  readonly isFull: (digest: Buffer) => boolean;
}

/** Parses the text of a key file. @throws Error whose message follows the file's name and names each field at fault */
export function parseKeys(text: string, rules: KeyRules): ApiKey[] {
  const result = schemaOf(rules.methods).safeParse(parseJson(text));
  const complaints = result.success
    ? duplicates(result.data, rules.isFull)
    : result.error.issues.map(complaint);
  if (!result.success || complaints.length > 0) throw new Error(`is not valid: ${complaints.join('; ')}`);
  return result.data;
}

function schemaOf(methods: readonly string[]): z.ZodType<ApiKey[]> {
  const key = z
    .strictObject({
      name: z.string().regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, "_", "-" and "."'),
      key: z
        .string()
        .regex(
          new RegExp(`^[!-~]{${MIN_KEY_CHARACTERS},}$`),
          `must have at least ${MIN_KEY_CHARACTERS} characters of ASCII, no spaces`,
        )
        .exactOptional(),
      sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/i, 'must be the SHA-256 of the key, 64 hexadecimal digits')
        .exactOptional(),
      methods: z
        .array(z.enum(methods, 'the API has no such method'))
        .min(1, 'name at least one method, or leave the field out to allow all')
        .exactOptional(),
      patterns: z
        .array(pattern.transform(compilePattern))
        .min(1, 'name at least one pattern, or leave the field out to allow all paths')
        .exactOptional(),
    })
    .transform(({ name, key, sha256, methods = null, patterns = null }, context): ApiKey => {
      if ((key === undefined) === (sha256 === undefined)) {
        context.addIssue({ code: 'custom', path: ['key'], message: 'give either "key" or "sha256"' });
        return z.NEVER;
      }
      const digest = key === undefined ? Buffer.from(sha256 ?? '', 'hex') : digestOf(key);
      return { name, digest, methods: methods && new Set(methods), patterns };
    });
  return z.array(key, 'must be a list of keys');
}

/** Returns a message for each duplicate name or key. */
function duplicates(keys: readonly ApiKey[], isFull: KeyRules['isFull']): string[] {
  const names = new Set<string | null>();
  const digests = new Set<string>();
  return keys.flatMap(({ name, digest }, index) => {
    const hex = digest.toString('hex');
    const found: string[] = [];
    if (names.has(name)) found.push(`${index}.name: another entry has this name`);
    if (digests.has(hex)) found.push(`${index}.key: another entry has this key`);
    if (isFull(digest)) found.push(`${index}.key: this key is also the unrestricted apiKey`);
    names.add(name);
    digests.add(hex);
    return found;
  });
}

function complaint(issue: z.core.$ZodIssue): string {
  const isUnknown = issue.code === 'unrecognized_keys';
  const unknown = isUnknown ? (issue.keys[0] ?? '') : '';
  const shown = unknown.length < MIN_KEY_CHARACTERS ? unknown : '';
  const field = [...issue.path.map(String), shown].filter((part) => part !== '').join('.');
  const message = isUnknown ? 'this field is unknown' : issue.message;
  return field === '' ? message : `${field}: ${message}`;
}

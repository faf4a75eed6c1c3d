/**
 * The rule for secrets and API keys (docs/server.md, "Replacing a secret"), the same wherever one comes from: each line is one,
 * the first signs, all of them verify.
 */

/** Lines of a text with secrets: without a byte order mark, blank lines, and the spaces around each. */
export function secretsOf(text: string): readonly [string, ...string[]] | null {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|[\r\n]/);
  const [first, ...more] = new Set(lines.map((line) => line.replace(/^[ \t]+|[ \t]+$/g, '')).filter(Boolean));
  return first === undefined ? null : [first, ...more];
}

/** Returns the secrets of `text`, or null unless there is one and each is `minCharacters` or more of printable ASCII. */
export function checkedSecrets(text: string, minCharacters: number): readonly [string, ...string[]] | null {
  const secrets = secretsOf(text);
  const isGood = (secret: string) => secret.length >= minCharacters && /^[\x21-\x7e]+$/.test(secret);
  return secrets?.every(isGood) ? secrets : null;
}

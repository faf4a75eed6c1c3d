/**
 * Patterns over paths (docs/protocol.md, "Patterns"): literals, `{name}` for one or more characters
 * without "/", and a final `{name*}` for all the rest, at least one character. The first match in
 * list order wins. Matching is linear: no backtracking that a hostile path could blow up.
 */
import { pathFault, RESERVED_PREFIX, utf8Length } from './paths.js';

/** A pattern is wrong; the message says where. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

/** A compiled pattern. */
export interface Pattern {
  readonly source: string;
  /** The captured names and values when `path` matches, else null. */
  match(path: string): Record<string, string> | null;
}

type Part =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'one'; readonly name: string }
  | { readonly kind: 'rest'; readonly name: string };

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Compiles `source`. @throws PatternError when it breaks the grammar. */
export function compilePattern(source: string): Pattern {
  const parts = parse(source);
  return {
    source,
    match(path) {
      if (path.startsWith(RESERVED_PREFIX)) return null;
      // Without a prototype, so that a name such as __proto__ is a name like any other.
      const captured: Record<string, string> = Object.create(null);
      return matchParts(parts, path, captured) ? captured : null;
    },
  };
}

/** What is wrong with a path or pattern, as a sentence; null when it is one. */
export function patternFault(source: string): string | null {
  try {
    compilePattern(source);
  } catch (error) {
    return (error as Error).message;
  }
  // Without braces it matches one path only, which must be one.
  return source.includes('{') || pathFault(source) === null ? null : `no path can be like this: ${source}`;
}

function parse(source: string): Part[] {
  if (source.length === 0) throw new PatternError('a pattern is not empty');
  if (source.startsWith(RESERVED_PREFIX)) throw new PatternError(`"${source}" is reserved`);
  if (utf8Length(source) > 1024) throw new PatternError('a pattern is at most 1024 bytes long');
  const parts: Part[] = [];
  for (const { 0: text, index } of source.matchAll(/\{[^}]*\}?|[^{]+/g)) {
    if (!text.startsWith('{')) {
      if (/[*}]/.test(text)) throw new PatternError(`"*" and "}" stand only in {name*}: ${source}`);
      parts.push({ kind: 'literal', text });
      continue;
    }
    const part = parseCapture(source, text, index + text.length === source.length);
    if (parts.some((other) => other.kind !== 'literal' && other.name === part.name))
      throw new PatternError(`{${part.name}} stands twice: ${source}`);
    if (parts.at(-1)?.kind === 'one')
      throw new PatternError(`two captures need something between them: ${source}`);
    parts.push(part);
  }
  return parts;
}

function parseCapture(source: string, text: string, isLast: boolean) {
  if (!text.endsWith('}')) throw new PatternError(`"{" is not closed: ${source}`);
  const isRest = text.endsWith('*}');
  const name = text.slice(1, isRest ? -2 : -1);
  if (!NAME.test(name)) throw new PatternError(`${text} is not a name: ${source}`);
  if (isRest && !isLast) throw new PatternError(`${text} must stand last: ${source}`);
  return { kind: isRest ? 'rest' : 'one', name } as const;
}

/**
 * Between two slashes each capture takes the shortest text that lets the next literal follow, except
 * that the last one takes all up to where the trailing literal must stand.
 */
function matchParts(parts: readonly Part[], path: string, captured: Record<string, string>): boolean {
  let at = 0;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as Part;
    if (part.kind === 'literal') {
      if (!path.startsWith(part.text, at)) return false;
      at += part.text.length;
      continue;
    }
    if (part.kind === 'rest') {
      captured[part.name] = path.slice(at);
      return at < path.length;
    }
    const end = captureEnd(parts, i, path, at);
    if (end <= at || path.slice(at, end).includes('/')) return false;
    captured[part.name] = path.slice(at, end);
    at = end;
  }
  return at === path.length;
}

function captureEnd(parts: readonly Part[], index: number, path: string, at: number): number {
  const next = parts[index + 1];
  if (next === undefined) return path.length;
  if (next.kind !== 'literal') return -1;
  if (index + 2 === parts.length) {
    return path.endsWith(next.text) ? path.length - next.text.length : -1;
  }
  return path.indexOf(next.text, at + 1);
}

/** A value looked up by the first of its patterns that matches. */
export class PatternTable<T> {
  readonly #rows: readonly (readonly [Pattern, T])[];

  /** @throws PatternError when a pattern breaks the grammar. */
  constructor(rows: readonly (readonly [string, T])[]) {
    this.#rows = rows.map(([source, value]) => [compilePattern(source), value]);
  }

  /** The value of the first pattern that matches `path`, with what it captured. */
  find(path: string): { readonly value: T; readonly captured: Record<string, string> } | null {
    for (const [pattern, value] of this.#rows) {
      const captured = pattern.match(path);
      if (captured !== null) return { value, captured };
    }
    return null;
  }
}

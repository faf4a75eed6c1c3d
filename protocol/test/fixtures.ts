/** Reads a file of golden frames. The shapes are described in protocol/fixtures/README.md. */
import { readFileSync } from 'node:fs';
import type { DownFrame, PollAnswer } from '../frames.js';

interface Fixtures {
  down: { name: string; json: string; frame: DownFrame }[];
  later: { name: string; json: string; frame: unknown }[];
  poll: { name: string; json: string; answer: PollAnswer }[];
  up: { name: string; json: string; code?: string; field?: string }[];
  bodies: { name: string; json: string; code?: string; field?: string }[];
  paths: { path: string; fault: 'bad_path' | 'reserved_path' | null }[];
  keys: { key: string; fault: 'bad_key' | null }[];
  secrets: { name: string; text: string; secrets: string[] | null }[];
  patterns: {
    match: { pattern: string; path: string; captured: Record<string, string> | null }[];
    bad: string[];
  };
  api: { name: string; method: string; request: object; status: number; reply: Record<string, unknown> }[];
}

/** The parsed content of protocol/fixtures/`name`.json. */
export function fixture<Name extends keyof Fixtures>(name: Name): Fixtures[Name] {
  const file = new URL(`../fixtures/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Fixtures[Name];
}

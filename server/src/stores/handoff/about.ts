/** The line that precedes an update in a handoff. There may be a million; most contain a time and nothing else. */
import type { LogEntry } from '../../core/log/update.js';
import { aboutSchema, parsed } from './format.js';

/** The contents of such a line. */
export interface About extends Pick<LogEntry, 'at' | 'key' | 'sender' | 'except'> {}

const PLAIN = /^\{"at":(\d{1,15}),"key":null,"sender":"","except":null\}$/;

/** Returns the line of an update. */
export function aboutLine({ at, key, sender, except }: About): string {
  if (key === null && sender === '' && except === null)
    return `{"at":${at},"key":null,"sender":"","except":null}`;
  return JSON.stringify({ at, key, sender, except: except === null ? null : [...except] });
}

/** Reads such a line. @throws HandoffError */
export function readAbout(line: string): About {
  const at = PLAIN.exec(line)?.[1];
  if (at !== undefined) return { at: Number(at), key: null, sender: '', except: null };
  const { except, ...about } = parsed(aboutSchema, line);
  return { ...about, except: except === null ? null : new Set(except) };
}

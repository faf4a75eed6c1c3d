/** The server's log: JSON lines by pino, never a ticket, a key or a message's content. */
import { pino } from 'pino';
import type { Clock } from '../core/time/clock.js';

/** What the parts of the server log with. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How much is logged. */
export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';

/** A log to standard error, so that standard output stays for what commands print. */
export function createLog(level: LogLevel): Log {
  return pino({ level, base: null }, pino.destination({ dest: 2, sync: true }));
}

const WINDOW_MS = 60_000;
const MAX_LINES = 20;

interface Window {
  readonly endsAt: number;
  lines: number;
  leftOut: number;
}

/**
 * Returns a log for what clients cause: passes at most 20 lines of each message and level on a minute, and then says
 * how many were left out. Messages are texts of the code, so there are few.
 */
export function sparingLog(log: Log, clock: Pick<Clock, 'monotonic'>): Log {
  const windows = new Map<string, Window>();
  const at =
    (level: keyof Log) =>
    (fields: object, message: string): void => {
      const key = `${level} ${message}`;
      const now = clock.monotonic();
      let window = windows.get(key);
      const leftOut = window !== undefined && now >= window.endsAt ? window.leftOut : 0;
      if (window === undefined || now >= window.endsAt) {
        window = { endsAt: now + WINDOW_MS, lines: 0, leftOut: 0 };
        windows.set(key, window);
      }
      if (window.lines >= MAX_LINES) return void window.leftOut++;
      window.lines++;
      log[level](leftOut === 0 ? fields : { ...fields, leftOut }, message);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

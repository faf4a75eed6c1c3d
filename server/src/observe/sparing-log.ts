/** A log that bears what clients cause: each message so many times a minute, and then how often it was left out. */
import type { Clock } from '../core/time/clock.js';
import type { Log } from './log.js';

const WINDOW_MS = 60_000;
const MAX_LINES = 20;

interface Window {
  readonly endsAt: number;
  lines: number;
  leftOut: number;
}

/** Passes lines on to `log`, at most 20 of each message and level a minute. Messages are texts of the code, so there are few. */
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

/**
 * Reads a stream of server-sent events (HTML standard, section 9.2.6) in whatever chunks it comes.
 * Only `data` matters here: `event`, `id`, `retry` and comments are skipped. Never throws on any
 * bytes, except that an event is larger than the bound: then the stream is to be given up.
 */

/** Turns bytes into the data of events. */
export class SseParser {
  readonly #decoder = new TextDecoder();
  readonly #maxLength: number;
  /** The beginning of a line whose end has not come. */
  #rest = '';
  /** The data of an event whose end has not come. */
  #data: string | undefined;
  #endedWithReturn = false;

  /** `maxLength` bounds one event, in UTF-16 units. */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** The events that `chunk` completes. @throws Error when an event exceeds the bound */
  push(chunk: Uint8Array): string[] {
    let text = this.#decoder.decode(chunk, { stream: true });
    if (text === '') return [];
    // A CR at the end of a chunk has ended its line already: the LF that may follow belongs to it.
    if (this.#endedWithReturn && text.startsWith('\n')) text = text.slice(1);
    this.#endedWithReturn = text.endsWith('\r');
    const lines = text.split(/\r\n|\n|\r/);
    lines[0] = this.#rest + lines[0];
    this.#rest = lines.pop() ?? '';
    const events: string[] = [];
    for (const line of lines) this.#takeLine(line, events);
    if ((this.#data ?? '').length + this.#rest.length > this.#maxLength)
      throw new Error('The event is too large.');
    return events;
  }

  #takeLine(line: string, events: string[]): void {
    if (line === '') {
      if (this.#data !== undefined) events.push(this.#data);
      this.#data = undefined;
    } else if (line === 'data' || line.startsWith('data:')) {
      const value = line.slice(line[5] === ' ' ? 6 : 5);
      this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    }
  }
}

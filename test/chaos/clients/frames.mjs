/** For `--log`: a `fetch` and a WebSocket that record what travels, without tickets. Pages load it as it is. */

/** Frames that say nothing about an order of things. */
const DULL = /^\{"type":"(ping|pong|ticket)"|^\{"path"|^:/;

/** @param {(kind: string, text: string) => void} note @param {any} WebSocket the environment's */
export function recordingNetwork(note, WebSocket) {
  const seen = (/** @type {string} */ kind, /** @type {unknown} */ data) => {
    for (const line of String(data).split('\n')) {
      const frame = line.replace(/^data: ?/, '').replaceAll(/"(ticket|token)":"[^"]*",?/g, '');
      if (frame.trim() !== '' && !DULL.test(frame)) note(kind, frame.slice(0, 1_000));
    }
  };
  class RecordingWebSocket extends WebSocket {
    constructor(/** @type {string} */ url) {
      super(url);
      this.addEventListener('message', (/** @type {{data: unknown}} */ { data }) => seen('ws in', data));
      this.addEventListener('close', (/** @type {{code: number}} */ { code }) =>
        note('ws close', String(code)),
      );
    }

    send(/** @type {string} */ data) {
      seen('ws out', data);
      super.send(data);
    }
  }
  return { WebSocket: RecordingWebSocket, fetch: recordingFetch(note, seen) };
}

/** @param {(kind: string, text: string) => void} note @param {(kind: string, data: unknown) => void} seen */
function recordingFetch(note, seen) {
  return async (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
    const where = new URL(url, globalThis.location?.href).pathname;
    seen(`${where} out`, init.body);
    try {
      const response = await fetch(url, init);
      const [one, other] = response.body?.tee() ?? [null, null];
      const decoder = new TextDecoder();
      const sink = {
        write: (/** @type {Uint8Array} */ chunk) =>
          seen(`${where} in ${response.status}`, decoder.decode(chunk)),
      };
      one?.pipeTo(new WritableStream(sink)).catch((error) => note(`${where} cut`, String(error)));
      return new Response(other, { status: response.status, headers: response.headers });
    } catch (error) {
      note(`${where} failed`, String(error));
      throw error;
    }
  };
}

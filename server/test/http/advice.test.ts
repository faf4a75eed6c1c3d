/** What a refusal advises to configure is accepted by the configuration, and then works. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Origins } from '../../src/auth/origins/origins.js';
import { completeConfig } from '../../src/config/config.js';
import { Policies } from '../../src/config/policies.js';
import { loadConfig } from '../../src/config/sources.js';
import { createDobby, type Dobby } from '../../src/index.js';
import { OriginWarnings, originAdvice } from '../../src/transports/origin-advice.js';
import { TestLog } from '../auth/tokens/token-world.js';
import { rawHttp, requestText } from '../support/raw-http.js';
import { makeTempFolder } from '../support/temp-folder.js';

/** Origins that are one page's, one app's or one extension's, as they are sent. */
const CONFIGURABLE = [
  'https://app.example',
  'http://app.example:8000',
  'http://[2001:db8::1]:8080',
  'https://xn--bcher-kva.example',
  'http://devbox:4020',
  'capacitor://localhost',
  'capacitor://app.example',
  'ionic://localhost',
  'tauri://localhost',
  'http://tauri.localhost',
  'https://tauri.localhost',
  'wails://wails',
  'wails://wails.localhost:34115',
  'app://-',
  'app://.',
  'app://obsidian.md',
  'app://localhost:3000',
  'electron://app',
  'file://',
  'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
  'moz-extension://0b4b1c4e-3d1e-4b57-9f2d-0123456789ab',
  'safari-web-extension://0B4B1C4E-3D1E-4B57-9F2D-0123456789AB',
  'ms-browser-extension://EdgeExtension_x',
  'vscode-webview://1k2j3',
  'vscode-file://vscode-app',
  'com.example.app://localhost',
  'neutralino+dev://app',
  'resource://pdf.js',
];
/** What is sent by pages that have nothing in common, or is no origin at all. */
const OTHERS = [
  'null',
  '',
  'https://app.example/',
  'https://app.example/path',
  'https://App.example',
  'https://app.example:443',
  'https://ann@app.example',
  'https://a.example, https://b.example',
  'capacitor://localhost/',
  'capacitor://localhost/path',
  "app://it's",
  'app://a,b',
  'app://a b',
  'app://"',
  'app://',
  '//app.example',
  'app.example',
  'data:text/html,x',
  'blob:https://app.example',
  'javascript://x',
  '*',
  'https://*.example',
];

const FROM = '203.0.113.9';
/** The line of a configuration file that a message advises; null when it advises none. */
function adviceIn(message: string): object | null {
  const line = /The configuration line ("\w+": \[.*\]) would/.exec(message)?.[1];
  return line === undefined ? null : (JSON.parse(`{${line}}`) as object);
}

describe('a page that was refused', () => {
  it.each(CONFIGURABLE)('of %s is advised a line that is accepted and allows it', (origin) => {
    const config = completeConfig(adviceIn(originAdvice(origin)));
    expect(new Origins(config).isAllowed({ origin, host: 'push.example' }, FROM)).toBe(true);
    expect(new Origins(completeConfig({})).isAllowed({ origin, host: 'push.example' }, FROM)).toBe(false);
  });

  it.each(CONFIGURABLE)('of %s is told in the log with a flag that is accepted and allows it', (origin) => {
    const log = new TestLog();
    new OriginWarnings(log).warnOf(origin);
    const text = /--allowed-origins '([^']*)' would allow it/.exec(String(log.lines[0]?.message))?.[1];
    for (const sources of [
      { environment: {}, flags: { allowedOrigins: text } },
      { environment: { DOBBY_ALLOWED_ORIGINS: text }, flags: {} },
    ]) {
      expect(new Origins(loadConfig(sources)).isAllowed({ origin, host: 'x.example' }, FROM)).toBe(true);
    }
  });

  it.each(OTHERS)('of %j is advised nothing that the configuration would not take', (origin) => {
    const log = new TestLog();
    new OriginWarnings(log).warnOf(origin);
    expect(adviceIn(originAdvice(origin))).toBeNull();
    expect(originAdvice(origin)).toContain('cannot be allowed');
    expect(log.text).not.toContain('--allowed-origins');
  });

  it('of many origins is told in the log for some of them, once each', () => {
    const log = new TestLog();
    const warnings = new OriginWarnings(log);
    for (let i = 0; i < 100; i++) warnings.warnOf(`https://${i % 50}.example`);
    expect(log.lines.length).toBe(20);
  });
});

describe('a server', () => {
  const listed = 'capacitor://localhost';
  let dobby: Dobby;
  let url: string;
  let folder: ReturnType<typeof makeTempFolder>;

  beforeAll(async () => {
    folder = makeTempFolder();
    dobby = createDobby({ port: 0, stateDir: folder.path, allowedOrigins: [listed], logLevel: 'silent' });
    url = await dobby.start();
  });

  afterAll(async () => {
    await dobby.stop();
    folder.remove();
  });

  const ask = (line: string, headers: readonly string[], body = '') =>
    rawHttp(url, [requestText(line, ['Connection: close', ...headers], body)]);
  const handshake = (origin: string) =>
    rawHttp(
      url,
      [
        requestText('GET /comet', [
          ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
          ...['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', `Origin: ${origin}`],
        ]),
      ],
      (text) => text.includes('\r\n\r\n'),
    );

  it('lets a listed app in on every transport, with CORS, also where its headers are too large', async () => {
    const json = ['Content-Type: application/json', `Origin: ${listed}`];
    const open = await ask('POST /comet', json, '{"type":"open","protocol":1}');
    expect(open).toContain('200 OK');
    expect(open.toLowerCase()).toContain(`access-control-allow-origin: ${listed}`);
    const large = await ask('POST /comet', [...json, `Cookie: a=${'x'.repeat(20_000)}`], '{}');
    expect(large).toContain('431 ');
    expect(large.toLowerCase()).toContain(`access-control-allow-origin: ${listed}`);
    expect(await handshake(listed)).toContain('101 ');
  });

  it('refuses a page of a name that resolves to it, on every transport', async () => {
    const rebound = 'http://127.0.0.1.evil.example';
    const swap = (text: string) => text.replace('Host: 127.0.0.1', 'Host: 127.0.0.1.evil.example');
    for (const request of [
      requestText('GET /comet?path=a', ['Connection: close', `Origin: ${rebound}`]),
      requestText(
        'POST /comet',
        ['Connection: close', `Origin: ${rebound}`, 'Content-Type: application/json'],
        '{}',
      ),
    ]) {
      expect(await rawHttp(url, [swap(request)])).toContain('origin_not_allowed');
    }
    expect(await handshake('http://evil.example')).toContain('origin_not_allowed');
  });

  it.each(['a', 'it\'s "quoted"', 'back\\slash', 'café/💬', 'a b?c#d%e', 'x'.repeat(255)])(
    'advises for the path %j a line that opens it',
    async (path) => {
      const response = await fetch(`${url}/comet?path=${encodeURIComponent(path)}`);
      const { error } = (await response.json()) as { error: { message: string } };
      const config = completeConfig(adviceIn(error.message));
      expect(new Policies(config).isPublic(path)).toBe(true);
    },
  );
});

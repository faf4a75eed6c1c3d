/** The system's Chromium, with some names that are all this machine. */
import { type Browser, chromium } from 'playwright-core';

/** Starts one. `*.example.test` is this machine: an app, and somebody else's page of the same site. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--renderer-process-limit=2',
      '--host-resolver-rules=MAP *.example.test 127.0.0.1, MAP evil.example 127.0.0.1, MAP localhost 127.0.0.1',
    ],
  });
}

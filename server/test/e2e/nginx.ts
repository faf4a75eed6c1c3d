/** A real nginx in front of a server, with its default settings and the block of docs/proxies.md. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect as netConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PAGE = new URL('../../../docs/proxies.md', import.meta.url);
/** What the block of docs/proxies.md has for Dobby's address. */
const UPSTREAM = 'http://127.0.0.1:4020';

/** The block of docs/proxies.md, word for word. */
export function documentedBlock(): string {
  const block = /```nginx\n([\s\S]*?)```/.exec(readFileSync(PAGE, 'utf8'))?.[1];
  if (block === undefined || !block.includes(UPSTREAM))
    throw new Error(`the page has no block for ${UPSTREAM}`);
  return block;
}

/** The block without its lines for WebSockets, which a comment announces. */
export function blockWithoutWebSockets(): string {
  const block = documentedBlock().replace(/\n *# For WebSockets.*\n(.*\n){3}/, '\n');
  if (/upgrade/i.test(block) || block === documentedBlock())
    throw new Error('the lines for WebSockets were not found');
  return block;
}

/** A running nginx. */
export interface Nginx {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts nginx before `upstream` with a block as documented. What the block leaves is passed on as it is, for pages and API. */
export async function startNginx(upstream: string, block = blockWithoutWebSockets()): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'dobby-nginx-'));
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `user root; daemon off; pid ${folder}/pid; error_log stderr warn; worker_processes 1;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server {
    listen 127.0.0.1:${port};
${block.replaceAll(UPSTREAM, upstream)}
    location / {
      proxy_pass ${upstream};
      proxy_set_header Host $http_host;
    }
  }
}
`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints += String(chunk);
  });
  await listening(port, child, () => complaints);
  const stop = async (): Promise<void> => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
    rmSync(folder, { recursive: true });
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}

/** A port that nothing listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Resolves when something listens on `port`. Rejects when `child` has ended or 10 s have passed. */
export async function listening(port: number, child: ChildProcess, complaints: () => string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended at once: ${complaints()}`);
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = netConnect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${child.spawnfile} did not listen on its port within 10 s: ${complaints()}`);
}

/**
 * Nchan, the push module of nginx, as Debian packages it: a channel that HTTP posts to and WebSockets read from. One worker: all happens
 * in one process, as with the others, and nothing is paid for handing messages from one worker to the other.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort, KEY, startServer } from './server.mjs';

const MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so';
/** As many messages as Dobby's log of a path holds by default. */
const BUFFERED = 1000;
const MAX_FILES = 20_000;
const MAX_CONNECTIONS = MAX_FILES - 100;

/** @type {import('./table.mjs').Peer} */
export const nchan = {
  name: 'nchan',
  dialect: 'nchan',
  returning: 'nchan-resuming',
  publish: { url: '/api/update', header: `Authorization: Bearer ${KEY}`, path: 'path', message: 'message' },
  missing: () =>
    existsSync(MODULE)
      ? null
      : 'nginx with Nchan is missing: on Debian, apt-get install nginx-light libnginx-mod-nchan',
  async start({ port: asked, folder }) {
    const port = asked || (await freePort());
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, configuration(folder, port));
    // It listens before it starts its worker, and says so.
    const listening = (output) => {
      const worker = /start worker process (\d+)/.exec(output);
      return worker === null ? null : { port, pids: [Number(worker[1])] };
    };
    return startServer('nginx', ['-p', folder, '-c', file], { listening });
  },
};

function configuration(folder, port) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `load_module ${MODULE};
daemon off; pid ${folder}/pid; error_log stderr notice;
user ${userInfo().username};
worker_processes 1; worker_rlimit_nofile ${MAX_FILES};
events { worker_connections ${MAX_CONNECTIONS}; }
http {
  access_log off;
  keepalive_timeout 1h; keepalive_requests 1000000000;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  nchan_shared_memory_size 512M;
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location = /api/update {
      if ($http_authorization != "Bearer ${KEY}") { return 401; }
      nchan_publisher;
      nchan_channel_id bench;
      nchan_message_buffer_length ${BUFFERED};
      nchan_message_timeout 5m;
    }
    location = /socket {
      nchan_subscriber websocket;
      nchan_subscriber_first_message newest;
      nchan_channel_id bench;
    }
  }
}
`;
}

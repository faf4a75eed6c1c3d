/**
 * The files that Dobby serves to browsers: the client and its entries as one module each, for pages without a bundler, and the demonstration page. None of them
 * holds a key: the demonstration takes it from the address's fragment, which browsers send to nobody.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { fault } from './http-errors.js';

const HERE = dirname(fileURLToPath(import.meta.url));
/** Beside the compiled server, or beside the sources when they are run as they are. */
const FOLDERS = [join(HERE, '../../../assets'), join(HERE, '../../dist/assets'), join(HERE, '../../assets')];

const DEMO_FILES: Record<string, readonly [file: string, type: string]> = {
  '/demo': ['demo.html', 'text/html; charset=utf-8'],
  '/demo/demo.css': ['demo.css', 'text/css; charset=utf-8'],
  '/demo/demo.js': ['demo.js', 'text/javascript; charset=utf-8'],
};

/** The client and its entries. */
const SCRIPTS = ['pomona.js', 'pomona-state.js', 'pomona-commands.js', 'pomona-tokens.js'];

/** Adds `/pomona.js` and its like, and the demonstration page when it is wanted. */
export function registerPages(app: FastifyInstance, options: { readonly demo: boolean }): void {
  for (const file of SCRIPTS) {
    app.get(`/${file}`, async (_request, reply) => {
      reply.header('Access-Control-Allow-Origin', '*').header('Cache-Control', 'no-cache');
      return serve(reply, file, 'text/javascript; charset=utf-8');
    });
  }
  if (!options.demo) return;
  app.get('/', async (_request, reply) => reply.redirect('/demo'));
  for (const [url, [file, type]] of Object.entries(DEMO_FILES)) {
    app.get(url, async (_request, reply) => serve(reply, file, type));
  }
}

function serve(reply: FastifyReply, file: string, type: string): FastifyReply {
  return reply
    .header('Content-Security-Policy', "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'")
    .header('X-Content-Type-Options', 'nosniff')
    .header('Referrer-Policy', 'no-referrer')
    .type(type)
    .send(read(file));
}

function read(file: string): Buffer {
  for (const folder of FOLDERS) {
    try {
      return readFileSync(join(folder, file));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw fault('not_found', { message: `${file} has not been built.` });
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import express, { type Express } from 'express';
import { nonceOf } from './border.js';

/** Stands in index.html where this answer's nonce belongs: `<berth-root ngCspNonce="__CSP_NONCE__">`. */
const placeholder = '__CSP_NONCE__';

/** The dashboard's files. Names with a hash never change; every other path is a page of the one application. */
export function servePages(app: Express, directory: string): void {
  const index = readFileSync(join(directory, 'index.html'), 'utf8');
  const files = express.static(directory, {
    index: false,
    redirect: false,
    dotfiles: 'ignore',
    setHeaders: (response, path) => {
      response.setHeader('Cache-Control', hashed.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  app.use((request, response, next) => {
    const isPage = (request.method === 'GET' || request.method === 'HEAD') && !isApi(request.path);
    if (!isPage) return next();
    if (request.path === '/' || request.path === '/index.html') return sendIndex(response);
    return files(request, response, () => (hasExtension.test(request.path) ? next() : sendIndex(response)));
  });

  function sendIndex(response: express.Response): void {
    response
      .type('html')
      .set('Cache-Control', 'no-cache')
      .send(index.replaceAll(placeholder, nonceOf(response)));
  }
}

/** `main-XH3KQ2AB.js`, as Angular's builder names files by their content. */
const hashed = /-[A-Za-z0-9_-]{8}\.[a-z0-9]+$/;
/** A file that is not there is a 404, not a page: otherwise a missing script would be answered with HTML. */
const hasExtension = /\.[a-z0-9]{1,8}$/i;

function isApi(path: string): boolean {
  return path === '/api' || path.startsWith('/api/');
}

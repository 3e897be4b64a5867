import { routes, type Route } from '@berth/site-api';
import type { Express } from 'express';
import { nonceOf } from './border.js';
import { openApi } from './openapi.js';

/** The API's documentation, made from the route table: a page without a script, and the OpenAPI document itself. */
export function serveDocs(app: Express, version: string): void {
  const document = JSON.stringify(openApi(version));
  const rows = Object.entries(routes as Record<string, Route>)
    .map(([name, row]) => rowHtml(name, row))
    .join('');
  app.get('/api/docs.json', (_request, response) => void response.type('application/json').send(document));
  app.get('/api/docs', (_request, response) => {
    response.type('html').send(page(rows, nonceOf(response)));
  });
}

function page(rows: string, nonce: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Berth: API</title>
<meta name="viewport" content="width=device-width"><style nonce="${nonce}">
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}body{margin:2rem auto;max-width:60rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #8886;vertical-align:top}
code{font-size:.92em}</style></head><body><main><h1>Berth: API</h1>
<p>JSON over HTTP, as an <a href="/api/docs.json">OpenAPI 3.1 document</a>. Amounts and bytes are decimal strings; amounts are
in 10⁻⁹ of the currency unit. Unsafe requests carry the <code>XSRF-TOKEN</code> cookie in <code>X-XSRF-TOKEN</code>.
Refusals are <code>application/problem+json</code> (RFC 9457).</p>
<table><thead><tr><th>Request<th>Who<th>What it does</thead><tbody>${rows}</tbody></table></main></body></html>`;
}

function rowHtml(name: string, { method, path, who, help }: Route): string {
  return `<tr id="${escaped(name)}"><td><code>${method} ${escaped(path)}</code><td>${who}<td>${escaped(help)}`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

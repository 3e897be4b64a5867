/**
 * A site without a site, for work on the pages: `node apps/dashboard/dev/stub.mjs [PORT] [COUNT]` serves the built
 * dashboard under the strict policy and answers the route table from memory, with COUNT containers that move. Anyone may
 * sign in; an address that begins with "admin" is an admin. `POST /stub/silent` makes the API hang up, again to undo.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';

const [port = '4000', count = '8'] = process.argv.slice(2);
const root = new URL('../dist/browser/', import.meta.url).pathname;
const types = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.html': 'text/html' };
const now = () => new Date().toISOString();
const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

let customer;
let isSilent = false;
const words = ['shop', 'blog', 'wiki', 'intranet', 'demo', 'staging', 'club', 'library'];
const states = ['running', 'stopped', 'running', 'starting', 'unknown', 'failed', 'running', 'frozen'];
const containers = new Map();
for (let at = 0; at < Number(count); at += 1) {
  const name = at < words.length ? words[at] : `${words[at % words.length]}-${at}`;
  make(name, at % 3 ? 'nginx' : 'django', at % 3 ? '1' : '4.2', 'small', states[at % states.length], at * 7 + 1);
}

function make(name, app, version, size, state, minutes = 0) {
  const id = randomUUID().replaceAll('-', '');
  containers.set(id, {
    id,
    name,
    app: { name: app, version, title: app === 'nginx' ? 'Static page' : 'Django' },
    size,
    memoryBytes: '536870912',
    state,
    since: ago(minutes),
    ...(state === 'failed' ? { reason: 'cannot start: the process ended with exit code 1' } : {}),
    ...(state === 'unknown' ? { reason: 'host b does not answer' } : {}),
    url: `http://127.0.0.1:${20_000 + containers.size}/`,
    loginWaiting: app === 'django',
    createdAt: ago(minutes),
    costTodayNanos: String(minutes * 137_000_0),
    hourNanos: '8219178',
    host: 'a',
  });
  return containers.get(id);
}

function change(it, state, asked, ms = 1500) {
  it.asked = asked;
  setTimeout(() => {
    Object.assign(it, { state, since: now(), asked: undefined });
    it.trashedUntil = state === 'trashed' ? new Date(Date.now() + 7 * 86_400_000).toISOString() : undefined;
  }, ms);
  return it;
}

setInterval(() => {
  for (const it of containers.values()) {
    if (it.state === 'running')
      it.numbers = {
        cpuMillis: Math.floor(Math.random() * 400),
        memoryBytes: String(90_000_000 + Math.floor(Math.random() * 40_000_000)),
        bytesIn: '1',
        bytesOut: '1',
      };
    else delete it.numbers;
  }
}, 2000);

const session = () => ({ customer, currency: 'EUR', demo: true, now: now() });
const sizes = [
  ['small', '536870912', 1000, '6849315', '5000000000'],
  ['medium', '1073741824', 2000, '13698630', '10000000000'],
  ['large', '4294967296', 4000, '54794521', '40000000000'],
].map(([id, memoryBytes, cpuMillis, hourNanos, monthNanos]) => ({
  id,
  memoryBytes,
  cpuMillis,
  pids: 512,
  hourNanos,
  monthNanos,
}));
const invoice = {
  number: '2026-000001',
  issuedAt: ago(9000),
  periodFrom: ago(50_000),
  periodTo: ago(9000),
  grossNanos: '12340000000',
  currency: 'EUR',
  customer: { id: '1', email: 'ada@example.org' },
};

/** One answer a route; what is thrown is a refusal. */
const answers = {
  'GET /api/session': session,
  'POST /api/session': ({ email, password }, _, language) => {
    if (password === 'wrong-password')
      throw refusal(401, 'unauthenticated', 'cannot sign in: the address or the password is wrong');
    customer = {
      id: '1',
      email,
      name: 'Ada',
      role: email.startsWith('admin') ? 'admin' : 'customer',
      locale: language,
    };
    return session();
  },
  'DELETE /api/session': () => {
    customer = undefined;
    return session();
  },
  'POST /api/customers': () => ({}),
  'PUT /api/customers/me': ({ locale }) => {
    customer.locale = locale;
    return session();
  },
  'GET /api/catalogue': () => ({
    apps: [
      {
        name: 'nginx',
        title: 'Static page',
        sentence: { en: 'A page of your own, served by nginx.', de: 'Eine eigene Seite, ausgeliefert von nginx.' },
        versions: ['1'],
        suggestedSize: 'small',
      },
      {
        name: 'django',
        title: 'Django',
        sentence: {
          en: 'A Python web application with its admin.',
          de: 'Eine Webanwendung in Python mit ihrer Verwaltung.',
        },
        versions: ['4.2', '3.2'],
        suggestedSize: 'medium',
      },
    ],
    sizes,
    tariff: { id: 't1', currency: 'EUR' },
    suggestedName: 'quiet-harbour',
  }),
  'GET /api/containers': () => ({ containers: [...containers.values()], now: now(), currency: 'EUR' }),
  'POST /api/containers': ({ app, version, name, size }) => {
    if ([...containers.values()].some((it) => it.name === name))
      throw refusal(409, 'conflict', `cannot add ${name}: a container of that name exists; choose another`, {
        name: 'This name is taken.',
      });
    return change(make(name, app, version, size, 'creating'), 'stopped');
  },
  'POST /api/containers/:id/start': (_, it) => change(it, 'running', 'start'),
  'POST /api/containers/:id/stop': (_, it) => change(it, 'stopped', 'stop'),
  'POST /api/containers/:id/trash': (_, it) => change(it, 'trashed', 'trash'),
  'POST /api/containers/:id/restore': (_, it) => change(it, 'stopped', 'restore'),
  'POST /api/containers/:id/login': (_, it) => ({ user: 'admin', password: 'k7Qm-w2Zx-9tRb', url: `${it.url}admin/` }),
  'DELETE /api/containers/:id/login': (_, it) => ((it.loginWaiting = false), {}),
  'GET /api/billing': () => ({
    currency: 'EUR',
    balanceNanos: '25000000000',
    unbilledNanos: '1234567890',
    leftNanos: '23765432110',
    now: now(),
  }),
  'GET /api/invoices': () => ({ items: containers.size ? [invoice] : [] }),
  'GET /api/admin/customers': () => ({
    items: [
      {
        id: '1',
        email: 'ada@example.org',
        name: 'Ada',
        role: 'customer',
        createdAt: ago(90_000),
        balanceNanos: '25000000000',
        unbilledNanos: '1234567890',
        containers: containers.size,
      },
    ],
  }),
  'POST /api/admin/customers/:id/top-ups': () => answers['GET /api/admin/customers']().items[0],
  'POST /api/admin/customers/:id/invoices': () => ({ invoice }),
  'GET /api/admin/invoices': () => ({ items: [invoice] }),
  'GET /api/admin/hosts': () => ({
    items: [
      {
        name: 'a',
        state: 'answering',
        observedAt: now(),
        driver: 'fake',
        version: '0.1.0',
        containers: 8,
        running: 3,
        memoryBytes: '16000000000',
        memoryFreeBytes: '9000000000',
        diskBytes: '250000000000',
        diskFreeBytes: '100000000000',
        warnings: [{ what: 'The pool is 91 % full.', cure: 'Add a disk or remove old templates.' }],
      },
      { name: 'b', state: 'silent', reason: 'connection refused', observedAt: ago(12), warnings: [] },
    ],
  }),
};

function languageOf(request) {
  return request.headers['accept-language']?.startsWith('de') ? 'de' : 'en';
}

function refusal(status, code, detail, fields) {
  return { status, type: 'about:blank', title: code, detail, code, requestId: randomUUID(), fields };
}

async function api(request, response, path) {
  let text = '';
  for await (const part of request) text += part;
  const id = /^\/api\/containers\/([0-9a-f]+)/.exec(path)?.[1];
  const key = `${request.method} ${path.replace(/(containers|admin\/customers)\/[^/]+/, '$1/:id')}`;
  response.setHeader('Set-Cookie', 'XSRF-TOKEN=stub; Path=/; SameSite=Lax');
  try {
    if (!answers[key]) throw refusal(404, 'not_found', 'cannot find this: there is nothing at this address');
    if (!customer && !/session|POST \/api\/customers$/.test(key))
      throw refusal(401, 'unauthenticated', 'cannot do this: sign in first');
    const answer = answers[key](text ? JSON.parse(text) : {}, containers.get(id), languageOf(request));
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
  } catch (fault) {
    if (!fault.code) throw fault;
    response.writeHead(fault.status, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify(fault));
  }
}

createServer((request, response) => {
  const path = new URL(request.url, 'http://stub').pathname;
  if (path === '/stub/silent') {
    isSilent = !isSilent;
    return response.end(String(isSilent));
  }
  if (path.startsWith('/api/')) return isSilent ? request.destroy() : api(request, response, path);
  const nonce = randomUUID();
  const file = join(root, path);
  response.setHeader(
    'Content-Security-Policy',
    `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'`,
  );
  if (extname(path) && existsSync(file)) {
    response.setHeader('Content-Type', types[extname(path)] ?? 'application/octet-stream');
    return createReadStream(file).pipe(response);
  }
  response.setHeader('Content-Type', 'text/html');
  response.end(readFileSync(join(root, 'index.html'), 'utf8').replaceAll('__CSP_NONCE__', nonce));
}).listen(Number(port), '127.0.0.1', () => console.log(`http://127.0.0.1:${port}/`));

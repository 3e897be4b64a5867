import type { Config } from '../../config.js';
import type { Facing } from '../front.js';

export type Fronted = Pick<
  Config,
  'appsTls' | 'appsCertificate' | 'appsCertificateKey' | 'appsHttpPort' | 'appsHttpsPort'
> &
  Readonly<{ appsDomain: string }>;

export type Places = Readonly<{ socket: string; data: string; log: string }>;

/** Caddy asks here whether it may fetch a certificate; nobody but itself is answered. */
const askPath = '/.well-known/berth-certificate';
const nobody = 'nobody';

/**
 * Everything Caddy is told, in its JSON. One route for all names with a map from name to container: a route for each
 * makes every change slow, because Caddy sets up all of them anew.
 */
export function caddyConfig(config: Fronted, { socket, data, log }: Places, all: readonly Facing[]): object {
  return {
    admin: { listen: `unix/${socket}`, origins: ['berth'], config: { persist: false } },
    storage: { module: 'file_system', root: data },
    logging: { logs: { default: { level: 'WARN', writer: { output: 'file', filename: log, roll_size_mb: 10 } } } },
    apps: {
      http: {
        http_port: config.appsHttpPort,
        https_port: config.appsHttpsPort,
        servers: { https: encrypted(config, all), http: plain(config, all) },
      },
      tls: tls(config),
      pki: { certificate_authorities: { local: { install_trust: false } } },
    },
  };
}

function encrypted({ appsHttpsPort }: Fronted, all: readonly Facing[]): object {
  return {
    listen: [`:${appsHttpsPort}`],
    automatic_https: { disable: true }, // it looks for names in routes, and there are none
    tls_connection_policies: [{}],
    routes: [
      { handle: [named('{http.request.host}', all)] },
      { match: [unnamed], handle: [answer(404, 'Nobody has this name here.\n')], terminal: true },
      { handle: [{ handler: 'reverse_proxy', upstreams: [{ dial: '{berth.upstream}' }] }] },
    ],
    errors: { routes: [{ handle: [answer(503, 'This app does not answer at the moment.\n')] }] },
  };
}

/** Sends browsers on; what authorities ask for to give a certificate, Caddy answers before any route. */
function plain({ appsHttpPort, appsHttpsPort }: Fronted, all: readonly Facing[]): object {
  const port = appsHttpsPort === 443 ? '' : `:${appsHttpsPort}`;
  const itself = { path: [askPath], remote_ip: { ranges: ['127.0.0.1/32'] } };
  const asked = [
    { handle: [named('{http.request.uri.query.domain}', all)] },
    { match: [unnamed], handle: [answer(404)], terminal: true },
    { handle: [answer(200)] },
  ];
  return {
    listen: [`:${appsHttpPort}`],
    automatic_https: { disable: true },
    routes: [
      { match: [itself], handle: [{ handler: 'subroute', routes: asked }], terminal: true },
      { handle: [answer(308, '', { Location: [`https://{http.request.host}${port}{http.request.uri}`] })] },
    ],
  };
}

function tls({ appsDomain, appsTls, appsCertificate, appsCertificateKey, appsHttpPort }: Fronted): object {
  const wildcard = `*.${appsDomain}`;
  const issuers = appsTls === 'internal' ? { issuers: [{ module: 'internal' }] } : {};
  const files = appsTls === 'files' ? [{ certificate: appsCertificate, key: appsCertificateKey }] : [];
  return {
    certificates: {
      ...(files.length > 0 ? { load_files: files } : {}),
      ...(appsTls === 'internal' ? { automate: [wildcard] } : {}),
    },
    automation: {
      on_demand: { ask: `http://127.0.0.1:${appsHttpPort}${askPath}` },
      policies: [
        ...(appsTls === 'internal' ? [{ subjects: [wildcard], ...issuers }] : []),
        { ...issuers, on_demand: true },
      ],
    },
  };
}

const unnamed = { vars: { '{berth.upstream}': [nobody] } };

function named(source: string, all: readonly Facing[]): object {
  const mappings = all.map(({ host, address, port }) => ({ input: host, outputs: [`${address}:${port}`] }));
  return { handler: 'map', source, destinations: ['{berth.upstream}'], mappings, defaults: [nobody] };
}

function answer(status: number, body = '', headers?: Readonly<Record<string, readonly string[]>>): object {
  return { handler: 'static_response', status_code: status, body, ...(headers ? { headers } : {}) };
}

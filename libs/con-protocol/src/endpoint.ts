import type { RequestOptions } from 'node:http';

/** Where a con answers: a unix socket, or a loopback address that asks for the token. */
export type Endpoint = Readonly<{ socketPath: string } | { url: string; token?: string }>;

/** How a person would name it. Never the token. */
export function nameOf(endpoint: Endpoint): string {
  return 'socketPath' in endpoint ? endpoint.socketPath : new URL(endpoint.url).host;
}

/** What node:http and ws need to get there. */
export function reach(endpoint: Endpoint): Pick<RequestOptions, 'socketPath' | 'host' | 'port' | 'headers'> {
  if ('socketPath' in endpoint) return { socketPath: endpoint.socketPath, headers: { Host: 'localhost' } };
  const { hostname, port } = new URL(endpoint.url);
  const headers = endpoint.token === undefined ? {} : { Authorization: `Bearer ${endpoint.token}` };
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port || 80, headers };
}

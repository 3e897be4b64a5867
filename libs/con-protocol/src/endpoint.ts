import type { Agent, RequestOptions } from 'node:http';
import { isPin, PinnedAgent } from './pin.js';

/**
 * Where a con answers: a unix socket, or an address that asks for the token. Beyond loopback the URL is `https` and
 * `pin` names the one key that may answer; see `PinnedAgent`.
 */
export type Endpoint = Readonly<{ socketPath: string } | { url: string; token?: string; pin?: string }>;

/** How a person would name it. Never the token. */
export function nameOf(endpoint: Endpoint): string {
  return 'socketPath' in endpoint ? endpoint.socketPath : new URL(endpoint.url).host;
}

/** Whether calls may go there: plain on this machine alone, else encrypted to a pinned key. Says what is wrong, if anything. */
export function faultIn(url: string, pin: string | undefined): string | undefined {
  if (!URL.canParse(url)) return 'must look like http://127.0.0.1:7077';
  const { protocol, hostname } = new URL(url);
  if (protocol === 'https:') {
    if (pin !== undefined && isPin(pin)) return undefined;
    return 'needs a pin beside it, sha256// and the digest of the key that answers there; `con host info` tells it';
  }
  if (protocol !== 'http:') return 'must begin with http: or https:';
  if (/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) return undefined;
  return 'must begin with https: beyond this machine, because the token travels in it';
}

/** What node:http needs to get there, but for the agent. */
export function reach(
  endpoint: Endpoint,
): Pick<RequestOptions, 'socketPath' | 'protocol' | 'host' | 'port' | 'headers'> {
  if ('socketPath' in endpoint) return { socketPath: endpoint.socketPath, headers: { Host: 'localhost' } };
  const { hostname, port, protocol } = new URL(endpoint.url);
  const headers = endpoint.token === undefined ? {} : { Authorization: `Bearer ${endpoint.token}` };
  const usual = protocol === 'https:' ? 443 : 80;
  return { protocol, host: hostname.replace(/^\[|\]$/g, ''), port: port || usual, headers };
}

/** Checks the key that answers before anything is sent; undefined where nothing has to be checked. */
export function pinnedAgent(endpoint: Endpoint, connectMs: number, keepAlive: boolean): Agent | undefined {
  if ('socketPath' in endpoint || !endpoint.url.startsWith('https:')) return undefined;
  return new PinnedAgent(endpoint.pin ?? '', { connectMs, keepAlive });
}

/** What a WebSocket client needs to open a one-time path there. */
export function webSocketTo(
  endpoint: Endpoint,
  path: string,
): { address: string; headers: Record<string, string>; agent: Agent | undefined } {
  const headers = reach(endpoint).headers as Record<string, string>;
  const agent = pinnedAgent(endpoint, 2_000, false);
  if ('socketPath' in endpoint) return { address: `ws+unix:${endpoint.socketPath}:${path}`, headers, agent };
  return { address: `${endpoint.url.replace(/^http/, 'ws').replace(/\/$/, '')}${path}`, headers, agent };
}

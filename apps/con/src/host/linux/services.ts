import { lookup } from 'node:dns/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { asProblem } from '@berth/problem';
import type { Config } from '../../config.js';
import { mirrorOf, type Mirror } from './mirror.js';
import { resolverAddresses } from './names.js';
import { hostSources } from './sources.js';

/** A sync must not wait for name servers that do not answer. */
const patienceMs = 1_000;

/** `address . protocol . port` of the name servers that containers are told to ask, wherever they lie. */
export function nameServices(servers: readonly string[]): string[] {
  return servers.flatMap((address) => [`${address} . tcp . 53`, `${address} . udp . 53`]);
}

/** Which of the host's name servers answers at which address of con's; with one server it answers at both. */
export function resolving(servers: readonly string[]): (readonly [string, string])[] {
  return resolverAddresses.flatMap((address, at) => {
    const server = servers[at % servers.length];
    return server === undefined ? [] : [[address, server] as const];
  });
}

/** Where the packages of the base come from. What cannot be told or found now is not opened: the next sync asks again. */
export async function mirrorServices({ mirror }: Pick<Config, 'mirror'>): Promise<Set<string>> {
  const { main, security } = knownMirror(mirror) ?? {};
  const urls = [main, security].flatMap((url) => (url !== undefined && URL.canParse(url) ? [new URL(url)] : []));
  const found = Promise.all(
    urls.map(async ({ hostname, port, protocol }) => {
      const addresses = await lookup(hostname, { family: 4, all: true }).catch(() => []);
      // A name that leads to a cloud's metadata opens nothing.
      const own = addresses.filter(({ address }) => !/^(169\.254|127)\./.test(address));
      return own.map(({ address }) => `${address} . tcp . ${port || (protocol === 'https:' ? 443 : 80)}`);
    }),
  );
  return new Set((await Promise.race([found, pause(patienceMs, [], { ref: false })])).flat());
}

function knownMirror(configured: string | undefined): Mirror | undefined {
  try {
    return mirrorOf(configured, hostSources());
  } catch (error) {
    if (asProblem(error).code === 'unavailable') return undefined; // whoever makes a base is told why
    throw error;
  }
}

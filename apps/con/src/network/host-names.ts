import type { DatabaseSync } from 'node:sqlite';
import { isIP } from 'node:net';
import { nameFault } from '@berth/container';
import { Problem } from '@berth/problem';
import type { Config } from '../config.js';
import { migrate } from '../database.js';

const steps = ['create table host_name (host text primary key, container text not null, released_at integer) strict'];

/** Below the apps' domain: what mail clients, browsers and people take for the operator's own. */
const reserved: ReadonlySet<string> = new Set(
  `abuse admin administrator api apps autoconfig autodiscover berth billing con console dashboard dev dns ftp help host
  hostmaster imap info isatap localhost login mail mta-sts mx ns ns1 ns2 ns3 ntp panel pop postmaster root security site
  smtp ssl staff status support test webmail webmaster wpad www`.split(/\s+/),
);

/** Names that never belong to one container (RFC 6761, RFC 8375, RFC 9476). */
const special = /(^|\.)(localhost|local|internal|home\.arpa|arpa|test|example|invalid|onion|alt)$/;

/** Which container has which name of the Internet; a name that was given back rests, because browsers remember. */
export class HostNames {
  constructor(
    private readonly database: DatabaseSync,
    private readonly config: Pick<Config, 'appsDomain' | 'closedDomains' | 'restSeconds'>,
  ) {
    migrate(database, 'host-names', steps);
  }

  /** @throws Problem `invalid` for a label that is none or reserved. */
  belowApps(label: string): string {
    const fault = nameFault(label) !== undefined || label.startsWith('xn--');
    if (fault)
      throw new Problem('invalid', `cannot use the name ${quoted(label)}: use letters a to z, digits and hyphens`);
    if (reserved.has(label))
      throw new Problem('invalid', `cannot use the name ${label}: it is reserved; choose another`);
    return `${label}.${this.config.appsDomain ?? ''}`;
  }

  /** A domain of somebody's own, in the letters of DNS. @throws Problem `invalid` */
  mustBeDomain(text: string): string {
    const domain = text.toLowerCase();
    const labels = domain.split('.');
    if (domain.length > 253 || labels.length < 2 || labels.some((label) => nameFault(label)) || isIP(domain))
      throw new Problem('invalid', `cannot use the domain ${quoted(text)}: it must be one such as shop.example.org`);
    const closed = [this.config.appsDomain ?? '', ...this.config.closedDomains];
    if (special.test(domain) || closed.some((one) => domain === one || domain.endsWith(`.${one}`)))
      throw new Problem('invalid', `cannot use the domain ${domain}: it is not for containers; choose another`);
    return domain;
  }

  /** @throws Problem `conflict` where another container has it, or had it a moment ago. */
  take(host: string, container: string, now: Date): void {
    const row = this.database.prepare('select container, released_at from host_name where host = ?').get(host) as
      { container: string; released_at: bigint | null } | undefined;
    const restMs = this.config.restSeconds * 1_000;
    if (row && row.container !== container) {
      if (row.released_at === null)
        throw new Problem('conflict', `cannot use ${host}: another container has that name`);
      if (Number(row.released_at) > now.getTime() - restMs) {
        const until = new Date(Number(row.released_at) + restMs).toISOString();
        throw new Problem('conflict', `cannot use ${host}: it rests until ${until}; choose another`);
      }
    }
    this.database
      .prepare(
        'insert into host_name (host, container) values (?, ?) on conflict do update set container = excluded.container, released_at = null',
      )
      .run(host, container);
  }

  /** Gives back those of a container that are not `kept`; they rest from now on. */
  release(container: string, kept: readonly string[], now: Date): void {
    const rows = this.database
      .prepare('select host from host_name where container = ? and released_at is null')
      .all(container) as { host: string }[];
    const give = this.database.prepare('update host_name set released_at = ? where host = ?');
    for (const { host } of rows) if (!kept.includes(host)) give.run(now.getTime(), host);
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80)).replace(/[^\x20-\x7e]/g, '?');
}

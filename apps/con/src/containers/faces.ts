import type { Container, ParamsOf } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import type { Facing, Front } from '../host/front.js';
import type { HostNames } from '../network/host-names.js';
import type { Clock } from './clock.js';
import type { Desk } from './desk.js';
import type { ContainerRecord, Hosts } from './record.js';
import type { Records } from './records.js';

const mostDomains = 20;

export type FacesNeeds = Readonly<{
  records: Pick<Records, 'all'>;
  hostNames: HostNames;
  host: Readonly<{ front?: Front | undefined }>;
  clock: Clock;
}> &
  Desk;

/** Names of the Internet that lead to containers: on record first, then shown by the host's front. */
export class Faces {
  constructor(private readonly needs: FacesNeeds) {}

  /**
   * What is not told stays as it is; an empty name, or no domains, take away.
   *
   * @throws Problem `invalid` for what is no name or reserved, `conflict` for what another has, `unavailable` where
   * this host has nothing to answer for names with.
   */
  async domains({ id, name, domains }: ParamsOf<'containers.domains'>): Promise<Container> {
    const { must, mustAllow, moment, change, together, shown, hostNames, clock } = this.needs;
    mustAllow('domains', must(id));
    this.mustServe();
    const host = name ? hostNames.belowApps(name) : '';
    const wanted = domains && [...new Set(domains.map((one) => hostNames.mustBeDomain(one)))];
    if (wanted && wanted.length > mostDomains)
      throw new Problem('too_many', `cannot lead ${wanted.length} domains to ${id}: ${mostDomains} are the most`);
    await moment(`name ${id}`, id, async () => {
      const record = must(id);
      mustAllow('domains', record);
      mustExpose(record);
      together(() => {
        const hosts: Hosts = {
          ...record.hosts,
          ...(name === undefined ? {} : { name: host }),
          ...(wanted ? { domains: wanted } : {}),
        };
        const all = hostsOf(hosts);
        for (const one of all) hostNames.take(one, id, clock.now());
        hostNames.release(id, all, clock.now());
        change(record, { hosts });
      });
      await this.show();
    });
    return shown(id);
  }

  /** Of one that is destroyed. */
  release(record: ContainerRecord): void {
    this.needs.hostNames.release(record.id, [], this.needs.clock.now());
  }

  /** To be called once its record is gone. */
  async gone({ hosts }: ContainerRecord): Promise<void> {
    if (hostsOf(hosts).length > 0) await this.show();
  }

  async show(): Promise<void> {
    await this.needs.host.front?.show([...this.needs.records.all()].flatMap(facing));
  }

  private mustServe(): void {
    const { front } = this.needs.host;
    if (!front)
      throw new Problem('unavailable', 'cannot serve names: this host has no appsDomain; see docs/network.md');
    if (front.lacks) throw new Problem('unavailable', `cannot serve names: ${front.lacks}`);
  }
}

function mustExpose(record: ContainerRecord): void {
  if (portOf(record) !== undefined) return;
  throw new Problem('conflict', `cannot name ${record.name}: its template exposes no port that a name could lead to`);
}

/** The first that its template exposes. */
function portOf({ forwards }: ContainerRecord): number | undefined {
  return forwards.find(({ added, protocol }) => !added && protocol === 'tcp')?.port;
}

const hostsOf = ({ name, domains = [] }: Hosts): string[] => [...(name ? [name] : []), ...domains];

function facing(record: ContainerRecord): Facing[] {
  const port = portOf(record);
  if (port === undefined) return [];
  return hostsOf(record.hosts).map((host) => ({ host, address: record.address, port }));
}

import { isOn, mustBeName, type Action } from '@berth/container';
import type { Container, ParamsOf } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import type { Host } from '../host/host.js';
import type { Numbers } from '../network/numbers.js';
import type { Desk } from './desk.js';
import { forwardings, grantsOf } from './life.js';
import type { ContainerRecord, RecordedGrants } from './record.js';

const rates = ['outBytesPerSecond', 'inBytesPerSecond'] as const;
/** Below, a page does not load any more; above, a number is a mistake. */
const [leastRate, mostRate] = [10_000, 2_000_000_000];

/** The rules look into so many, one after another, for each packet between two containers. */
const mostNetworks = 4;

export type GrantsNeeds = Readonly<{ numbers: Pick<Numbers, 'networkOf'>; host: Pick<Host, 'net'> }> & Desk;

function mustBeRate(rate: number | undefined): void {
  if (rate === undefined || rate === 0 || (rate >= leastRate && rate <= mostRate)) return;
  const said = `cannot use ${rate} bytes a second: it must be from ${leastRate} to ${mostRate}, or 0 for no limit`;
  throw new Problem('invalid', said);
}

/** What a container may do in the network beyond what all may: on record first, then in the table where it runs. */
export class Grants {
  constructor(private readonly needs: GrantsNeeds) {}

  /** What is not told stays as it is; 0 bytes a second are as many as there are. @throws Problem `invalid` */
  async network(order: ParamsOf<'containers.network'>): Promise<Container> {
    const { id } = order;
    for (const key of rates) mustBeRate(order[key]);
    const told = (['smtp', ...rates] as const).filter((key) => order[key] !== undefined);
    const change = Object.fromEntries(told.map((key) => [key, order[key]]));
    return this.granted('network', id, ({ grants }) => ({ ...grants, ...change }));
  }

  /** A network is there once somebody is in it. @throws Problem `invalid` for a name that is none, `too_many` */
  async join({ id, network }: ParamsOf<'containers.join'>): Promise<Container> {
    const name = mustBeName(network, 'network');
    return this.granted('join', id, ({ owner, name: container, grants }) => {
      const networks = grants.networks ?? [];
      if (networks.some((one) => one.name === name)) return grants;
      if (networks.length >= mostNetworks) {
        const said = `cannot join ${name}: ${container} is in ${mostNetworks} networks, as many as one may be in`;
        throw new Problem('too_many', said);
      }
      return { ...grants, networks: [...networks, { name, number: this.needs.numbers.networkOf(owner, name) }] };
    });
  }

  /** Leaving a network that it is not in is success. */
  leave({ id, network }: ParamsOf<'containers.leave'>): Promise<Container> {
    return this.granted('leave', id, ({ grants }) => ({
      ...grants,
      networks: (grants.networks ?? []).filter(({ name }) => name !== network),
    }));
  }

  /** The table even where the record says it already, because a daemon may have ended in between. */
  private async granted(
    action: Action,
    id: string,
    decide: (record: ContainerRecord) => RecordedGrants,
  ): Promise<Container> {
    const { must, mustAllow, moment, change, together, shown, host } = this.needs;
    mustAllow(action, must(id));
    await moment(`${action} ${id}`, id, async () => {
      const record = must(id);
      mustAllow(action, record);
      const after = together(() => change(record, { grants: decide(record) }));
      if (isOn(after.state)) await host.net.change(after.slot, after.address, forwardings(after), grantsOf(after));
    });
    return shown(id);
  }
}

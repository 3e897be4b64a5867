import { isOn } from '@berth/container';
import type { Container, Forward, ParamsOf } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import type { Host } from '../host/host.js';
import type { Numbers } from '../network/numbers.js';
import { mustBeRanges } from '../network/ranges.js';
import type { ReadyTemplate } from '../templates/ready.js';
import type { Clock } from './clock.js';
import type { Desk } from './desk.js';
import { forwardings, grantsOf } from './life.js';
import type { ContainerRecord } from './record.js';

/** As many as a template may expose, and as many as a container may have. */
const mostExposed = 32;
const mostForwards = 64;

export type ForwardsNeeds = Readonly<{
  numbers: Pick<Numbers, 'takePort' | 'choosePort' | 'releasePort'>;
  host: Pick<Host, 'net'>;
  clock: Clock;
  reservedPorts: readonly number[];
}> &
  Desk;

type Protocol = Forward['protocol'];

/** Ports of the host that lead to a container: on record first, then in the table where the container runs. */
export class Forwards {
  constructor(private readonly needs: ForwardsNeeds) {}

  /** What a template exposes gets ports of the pool for life. @throws Problem `invalid` where it exposes too many. */
  exposed(
    { name, version, ports }: Pick<ReadyTemplate, 'name' | 'version' | 'ports'>,
    slot: number,
    now: Date,
  ): Forward[] {
    if (ports.length > mostExposed) {
      const said = `cannot use ${name}:${version}: it exposes ${ports.length} ports; a template exposes at most ${mostExposed}`;
      throw new Problem('invalid', said);
    }
    return ports.map((port) => ({ protocol: 'tcp', hostPort: this.fromPool('tcp', slot, now), port }));
  }

  /**
   * The same again is the same forward, with the sources that are told this time.
   *
   * @throws Problem `invalid` for what is no network and for a reserved port, `conflict` for a port that is taken, rests
   * or that the host serves itself.
   */
  async forward(order: ParamsOf<'containers.forward'>): Promise<{ container: Container; hostPort: number }> {
    const { id, port, protocol = 'tcp' } = order;
    const sources = order.sources && [...mustBeRanges(order.sources)];
    const hostPort = await this.done('forward', id, (record) => {
      const known = record.forwards.find((one) => isAsked(one, { ...order, protocol }));
      if (!known)
        return this.added(record, { protocol, port, ...(sources ? { sources } : {}), added: true }, order.hostPort);
      mustLeadTo(known, port);
      const forwards = record.forwards.map((one) => (one === known ? withSources(one, sources) : one));
      return { forwards, hostPort: known.hostPort };
    });
    return { container: this.needs.shown(id), hostPort };
  }

  /** Already gone is success. @throws Problem `conflict` for a port that the template exposes. */
  async unforward({ id, protocol = 'tcp', hostPort }: ParamsOf<'containers.unforward'>): Promise<Container> {
    await this.done('unforward', id, (record) => {
      const gone = record.forwards.find((one) => one.protocol === protocol && one.hostPort === hostPort);
      if (gone && !gone.added) {
        const said = `cannot unforward ${hostPort}: its template exposes that port; narrow it by its sources instead`;
        throw new Problem('conflict', said);
      }
      const forwards = record.forwards.filter((one) => one !== gone);
      const stays = forwards.some((one) => one.hostPort === hostPort);
      if (gone && !stays) this.needs.numbers.releasePort(hostPort, record.slot, this.needs.clock.now());
      return { forwards, hostPort };
    });
    return this.needs.shown(id);
  }

  /** The record first; the table even where the record says it already, because a daemon may have ended in between. */
  private async done(
    action: 'forward' | 'unforward',
    id: string,
    decide: (record: ContainerRecord) => { forwards: readonly Forward[]; hostPort: number },
  ): Promise<number> {
    const { must, mustAllow, moment, change, together, host } = this.needs;
    mustAllow(action, must(id));
    let hostPort = 0;
    await moment(`${action} a port of ${id}`, id, async () => {
      const record = must(id);
      mustAllow(action, record);
      const after = together(() => {
        const decided = decide(record);
        hostPort = decided.hostPort;
        return change(record, { forwards: decided.forwards });
      });
      if (isOn(after.state)) await host.net.change(after.slot, after.address, forwardings(after), grantsOf(after));
    });
    return hostPort;
  }

  private added(
    record: ContainerRecord,
    forward: Omit<Forward, 'hostPort'>,
    chosen: number | undefined,
  ): { forwards: readonly Forward[]; hostPort: number } {
    if (record.forwards.length >= mostForwards) {
      const said = `cannot forward one more port of ${record.name}: it has ${mostForwards}, as many as one may have`;
      throw new Problem('too_many', said);
    }
    const now = this.needs.clock.now();
    const hostPort = chosen ?? this.fromPool(forward.protocol, record.slot, now);
    if (chosen !== undefined) this.choose(forward.protocol, chosen, record, now);
    return { forwards: [...record.forwards, { ...forward, hostPort }], hostPort };
  }

  private fromPool(protocol: Protocol, slot: number, now: Date): number {
    return this.needs.numbers.takePort(slot, now, (port) => this.isTheHosts(protocol, port));
  }

  private choose(protocol: Protocol, port: number, { slot }: ContainerRecord, now: Date): void {
    if (this.needs.reservedPorts.includes(port)) {
      throw new Problem('invalid', `cannot forward port ${port} of the host: it is reserved; choose another`);
    }
    if (this.isTheHosts(protocol, port)) {
      throw new Problem(
        'conflict',
        `cannot forward port ${port} of the host: the host itself serves it; choose another`,
      );
    }
    this.needs.numbers.choosePort(port, slot, now);
  }

  private isTheHosts(protocol: Protocol, port: number): boolean {
    return this.needs.reservedPorts.includes(port) || this.needs.host.net.serves(protocol, port);
  }
}

/** By the port of the host where one was chosen, else by the container's own. */
function isAsked(one: Forward, order: Pick<Forward, 'protocol' | 'port'> & { hostPort?: number | undefined }): boolean {
  if (one.protocol !== order.protocol) return false;
  return order.hostPort === undefined ? one.port === order.port : one.hostPort === order.hostPort;
}

function mustLeadTo({ hostPort, port }: Forward, wanted: number): void {
  if (port === wanted) return;
  throw new Problem(
    'conflict',
    `cannot forward ${hostPort} to port ${wanted}: it leads to port ${port}; unforward it first`,
  );
}

function withSources({ sources: _, ...forward }: Forward, sources: string[] | undefined): Forward {
  return sources ? { ...forward, sources } : forward;
}

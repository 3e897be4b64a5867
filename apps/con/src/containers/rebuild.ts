import { defaultLimits, mustBeLimits, type Limits } from '@berth/container';
import { Problem } from '@berth/problem';
import type { Host } from '../host/host.js';
import type { Running, Slot } from '../host/runtime.js';
import type { HostNames } from '../network/host-names.js';
import type { Numbers } from '../network/numbers.js';
import type { TemplateSource } from '../templates/ready.js';
import { readCarried, type Carried } from './carried.js';
import type { Clock } from './clock.js';
import type { Desk } from './desk.js';
import type { ContainerRecord, Hosts } from './record.js';
import type { Records } from './records.js';
import { relimit, syncNet } from './recovery.js';
import type { SnapshotRecords } from './snapshot-records.js';

export type RebuildNeeds = Readonly<{
  records: Records;
  snapshots: SnapshotRecords;
  numbers: Numbers;
  hostNames: HostNames;
  host: Pick<Host, 'runtime' | 'layers' | 'net'>;
  templates: Pick<TemplateSource, 'adopt'>;
  clock: Clock;
  tell: (message: string, error?: unknown) => void;
  begun: (record: ContainerRecord) => void;
}> &
  Desk;

/** What was or would be brought back, and what was left alone. */
export type Rebuilt = Readonly<{
  recovered: readonly Readonly<{ id: string; name: string; owner: string; slot: Slot }>[];
  left: readonly Readonly<{ slot: Slot; why: string }>[];
}>;

/** Brings back on record what volumes say of themselves. It adds, and never changes or removes what is there. */
export class Rebuild {
  constructor(private readonly needs: RebuildNeeds) {}

  async recover({ dryRun }: { dryRun: boolean }): Promise<Rebuilt> {
    const { host, records } = this.needs;
    const texts = await host.layers.records();
    const unknown = (await host.layers.volumes()).filter((slot) => !records.at(slot));
    const lives = new Map((await host.runtime.running()).map((life) => [life.slot, life]));
    const recovered: Carried[] = [];
    const left: { slot: Slot; why: string }[] = [];
    for (const slot of unknown) {
      try {
        const carried = this.mustBeWelcome(slot, texts.get(slot));
        if (!dryRun) this.takeIn(carried, lives.get(slot));
        recovered.push(carried);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        left.push({ slot, why: error.message });
      }
    }
    if (!dryRun && recovered.length > 0) await this.adoptLives(lives);
    return { recovered: recovered.map(({ id, name, owner, slot }) => ({ id, name, owner, slot })), left };
  }

  /** @throws Problem where it cannot be brought back, saying why. */
  private mustBeWelcome(slot: Slot, text: string | undefined): Carried {
    const refuse = (why: string): Problem => new Problem('conflict', `cannot bring volume ${slot} back: ${why}`);
    if (text === undefined) throw refuse('it carries no record');
    const carried = readCarried(text);
    if (!carried) throw refuse('what it carries cannot be read; was it written by a newer con?');
    if (carried.slot !== slot) throw refuse(`it says that it is volume ${carried.slot}`);
    const known = this.needs.records.askedFor(carried.id);
    if (known?.gone) throw refuse(`its container ${carried.id} was destroyed`);
    if (known) throw refuse(`its container ${carried.id} has another volume by now`);
    if (this.needs.records.named(carried.owner, carried.name))
      throw refuse(`${carried.owner} has another container called ${carried.name} by now; rename that one first`);
    if (!this.needs.numbers.mayKeepRange(carried.owner, carried.range))
      throw refuse(`its range of user ids ${carried.range} belongs to somebody else by now`);
    return carried;
  }

  private takeIn(carried: Carried, life: Running | undefined): void {
    const { records, numbers, templates, clock, begun, together } = this.needs;
    const now = clock.now();
    together(() => {
      const { slot } = carried;
      numbers.keepRange(carried.owner, carried.range);
      numbers.keepFrom(slot);
      const record: ContainerRecord = {
        id: carried.id,
        slot,
        name: carried.name,
        owner: carried.owner,
        range: carried.range,
        template: carried.template,
        snapshot: templates.adopt(carried),
        address: numbers.addressOf(slot),
        forwards: carried.forwards.flatMap((one) => this.forwardOf(one, carried)),
        grants: this.grantsOf(carried),
        hosts: this.hostsOf(carried),
        limits: limitsOf(carried),
        tariffTag: carried.tariffTag,
        secret: carried.secret,
        environment: carried.environment,
        state: stateOf(carried, life),
        since: now,
        createdAt: new Date(carried.createdAt),
        ...(carried.trashedUntil === undefined ? {} : { trashedUntil: new Date(carried.trashedUntil) }),
        ...(carried.copyOf === undefined ? {} : { copyOf: carried.copyOf }),
        boot: carried.boot,
      };
      records.add(record, carried.asked);
      const { boot, hosts, trashedUntil } = record; // what nothing new has
      records.change(record.id, { boot, hosts, ...(trashedUntil ? { trashedUntil } : {}) }, now);
      begun(record);
      for (const one of carried.snapshots) this.needs.snapshots.takeIn(carried.id, one);
    });
  }

  /** What runs goes on, as the record says, and is reached again. */
  private async adoptLives(lives: ReadonlyMap<Slot, Running>): Promise<void> {
    for (const { slot, startedAt, frozen } of lives.values()) {
      const record = this.needs.records.at(slot);
      if (record?.state !== 'starting') continue;
      this.needs.change(record, { state: frozen ? 'frozen' : 'running', startedAt });
      await relimit(this.needs, record);
    }
    await syncNet(this.needs, lives);
  }

  /** A port that another has by now is told of and left to it. */
  private forwardOf(one: Carried['forwards'][number], { slot, name }: Carried): ContainerRecord['forwards'] {
    const { protocol, hostPort, port, sources, added } = one;
    return this.unlessTaken(name, () => {
      this.needs.numbers.choosePort(hostPort, slot, this.needs.clock.now());
      return { protocol, hostPort, port, ...(sources ? { sources } : {}), ...(added ? { added } : {}) };
    });
  }

  private grantsOf({ owner, grants }: Carried): ContainerRecord['grants'] {
    const { smtp, networks = [], outBytesPerSecond, inBytesPerSecond } = grants;
    return {
      ...(smtp ? { smtp } : {}),
      ...(outBytesPerSecond === undefined ? {} : { outBytesPerSecond }),
      ...(inBytesPerSecond === undefined ? {} : { inBytesPerSecond }),
      networks: networks.map(({ name }) => ({ name, number: this.needs.numbers.networkOf(owner, name) })),
    };
  }

  private hostsOf({ id, name, hosts }: Carried): Hosts {
    const take = (host: string): string[] =>
      this.unlessTaken(name, () => {
        this.needs.hostNames.take(host, id, this.needs.clock.now());
        return host;
      });
    const [kept] = hosts.name ? take(hosts.name) : [];
    return { ...(kept ? { name: kept } : {}), domains: (hosts.domains ?? []).flatMap(take) };
  }

  private unlessTaken<T>(name: string, take: () => T): T[] {
    try {
      return [take()];
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.needs.tell(`${name} comes back without something that was its: ${error.message}`);
      return [];
    }
  }
}

/** What lives is begun anew on record, and adopted right after. */
function stateOf({ trashedUntil, copyOf }: Carried, life: Running | undefined): ContainerRecord['state'] {
  if (life) return 'starting';
  if (copyOf !== undefined) return 'failed';
  return trashedUntil === undefined ? 'stopped' : 'trashed';
}

function limitsOf({ limits }: Carried): Limits {
  const { memoryBytes = 0, cpuMillis = 0, pids = 0, diskBytes = defaultLimits.diskBytes } = limits;
  const [memory, disk] = [BigInt(memoryBytes), BigInt(diskBytes)];
  return mustBeLimits(
    { memoryBytes: memory, cpuMillis: Number(cpuMillis), pids: Number(pids), diskBytes: disk },
    defaultLimits,
  );
}

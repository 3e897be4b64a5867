import { randomBytes } from 'node:crypto';
import { defaultLimits, mustBeId, mustBeLimits, mustBeName } from '@berth/container';
import type { Container, ParamsOf } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import type { Host } from '../host/host.js';
import type { Moment } from '../host/layers.js';
import type { Numbers } from '../network/numbers.js';
import type { ReadyTemplate, TemplateSource } from '../templates/ready.js';
import type { Clock } from './clock.js';
import type { Desk } from './desk.js';
import type { Forwards } from './forwards.js';
import type { Life } from './life.js';
import type { Change, ContainerRecord } from './record.js';
import type { Records } from './records.js';

export type AdmissionNeeds = Readonly<{
  records: Records;
  numbers: Numbers;
  templates: TemplateSource;
  clock: Clock;
  exposed: Forwards['exposed'];
  /** Who must know of a container hears of it within the commit that brings it on record. */
  begun: (record: ContainerRecord) => void;
  /** A snapshot of a container that can be read. */
  kept: (container: ContainerRecord, snapshot: string) => Readonly<{ moment: Moment }>;
  life: Pick<Life, 'make' | 'copy' | 'makeAnother'>;
  host: Pick<Host, 'layers'>;
}> &
  Desk;

/** As long as a snapshot of all that a container holds may take. */
const copyingMs = 900_000;

type Made = Pick<ContainerRecord, 'id' | 'name' | 'owner' | 'limits' | 'tariffTag' | 'copyOf'> & {
  template: Pick<ReadyTemplate, 'name' | 'version' | 'snapshot' | 'ports' | 'environment'>;
};

/** How a container comes to be on record: under an id that was never used, with numbers of its own. */
export class Admission {
  constructor(private readonly needs: AdmissionNeeds) {}

  /** @throws Problem `invalid` for a name that is none or taken, `conflict` for a taken id, `not_found` for the template. */
  create(order: ParamsOf<'containers.create'>): Container {
    const id = mustBeId(order.id);
    const asked = asText(order);
    if (this.isKnown(id, asked, 'create')) return this.needs.shown(id);
    const name = mustBeName(order.name);
    const owner = mustBeName(order.owner, 'owner');
    const limits = mustBeLimits(order.limits ?? defaultLimits, defaultLimits);
    this.mustBeFree(owner, name, 'create');
    const template = this.needs.templates.ready(order.template.name, order.template.version);
    const made = { id, name, owner, limits, template, tariffTag: order.tariffTag ?? '' };
    const record = this.admitted(asked, () => this.recorded(made));
    void this.needs.settle(record, () => this.needs.life.make(record));
    return this.needs.shown(id);
  }

  /**
   * Another container of the same owner with the same data and template; everything else that tells one from another is
   * new. The source runs on, halted only while its volume is read.
   *
   * @throws Problem as `create` does, and `not_found` for the source or its snapshot, `conflict` by its state.
   */
  duplicate(order: ParamsOf<'containers.duplicate'>): Container {
    const id = mustBeId(order.id);
    const asked = asText(order);
    if (this.isKnown(id, asked, 'duplicate')) return this.needs.shown(id);
    const from = this.needs.must(order.from);
    this.needs.mustAllow('duplicate', from);
    const moment = order.snapshot === undefined ? undefined : this.needs.kept(from, order.snapshot).moment;
    const name = mustBeName(order.name);
    const limits = mustBeLimits(order.limits ?? from.limits, from.limits);
    this.mustBeFree(from.owner, name, 'duplicate');
    const ports = from.forwards.flatMap(({ added, port }) => (added ? [] : [port]));
    const template = { ...from.template, ports, snapshot: from.snapshot, environment: from.environment };
    const tariffTag = order.tariffTag ?? from.tariffTag;
    const record = this.admitted(asked, () =>
      this.recorded({ id, name, owner: from.owner, limits, template, tariffTag, copyOf: from.id }),
    );
    // Now, so that what is asked of the source from here on comes after it.
    const copy = this.needs.during(from.id, () => this.needs.life.copy(record, this.needs.must(from.id), moment));
    copy.catch(() => undefined); // whoever settles it hears of it
    void this.needs.settle(record, () => this.copied(record, copy), copyingMs);
    return this.needs.shown(id);
  }

  /** What fails leaves no volume that could be taken for a whole one. */
  private async copied(record: ContainerRecord, copy: Promise<void>): Promise<Change> {
    const { life, host, weigh } = this.needs;
    try {
      await copy;
      await life.makeAnother(record);
    } catch (error) {
      await host.layers.removeVolume(record.slot);
      throw error;
    }
    await weigh(record);
    return { state: 'stopped', copyOf: null };
  }

  /** Names of one owner's containers are unique. @throws Problem `invalid` */
  mustBeFree(owner: string, name: string, doing: string): void {
    if (this.needs.records.named(owner, name))
      throw new Problem('invalid', `cannot ${doing} ${name}: ${owner} has a container of that name; names are unique`);
  }

  /** The same again is the same container. @throws Problem `conflict` for an id that was used for another, or is gone. */
  private isKnown(id: string, asked: string, doing: string): boolean {
    const known = this.needs.records.askedFor(id);
    if (known?.gone)
      throw new Problem('conflict', `cannot ${doing} ${id}: that id was used before, and ids are never used again`);
    if (known && known.asked !== asked)
      throw new Problem('conflict', `cannot ${doing} ${id}: it exists with other values`);
    return known !== undefined;
  }

  /** In one commit with its numbers. */
  private admitted(asked: string, make: () => ContainerRecord): ContainerRecord {
    return this.needs.together(() => {
      const record = make();
      this.needs.records.add(record, asked);
      this.needs.begun(record);
      return record;
    });
  }

  private recorded({ template, ...rest }: Made): ContainerRecord {
    const { numbers, clock, exposed } = this.needs;
    const now = clock.now();
    const slot = numbers.takeSlot(now);
    return {
      ...rest,
      slot,
      range: numbers.rangeOf(rest.owner),
      template: { name: template.name, version: template.version },
      snapshot: template.snapshot,
      address: numbers.addressOf(slot),
      forwards: exposed(template, slot, now),
      grants: {},
      hosts: {},
      secret: randomBytes(32).toString('hex'),
      environment: template.environment,
      state: 'creating',
      since: now,
      createdAt: now,
      boot: 0,
    };
  }
}

function asText(order: object): string {
  return JSON.stringify(order, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
}

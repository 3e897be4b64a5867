import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { readConfig } from '../src/config.js';
import type { Clock } from '../src/containers/clock.js';
import { CarriedRecords } from '../src/containers/carried.js';
import { Containers } from '../src/containers/containers.js';
import { Records } from '../src/containers/records.js';
import { SnapshotRecords } from '../src/containers/snapshot-records.js';
import { openDatabase } from '../src/database.js';
import { FakeHost } from '../src/host/fake/fake.js';
import { Journal } from '../src/metering/journal.js';
import { Sampler } from '../src/metering/sampler.js';
import { HostNames } from '../src/network/host-names.js';
import { Numbers } from '../src/network/numbers.js';
import type { TemplateSource } from '../src/templates/ready.js';

/** Time passes when a test says so. The wall may be set apart from what passes. */
export class HandClock implements Clock {
  private wallMs: number;
  private passedMs = 0n;
  private asleepMs = 0;

  constructor(at = '2030-05-01T10:00:00.000Z') {
    this.wallMs = Date.parse(at);
  }

  now(): Date {
    return new Date(this.wallMs);
  }

  monotonicMs(): bigint {
    return this.passedMs;
  }

  sleptMs(): number {
    return this.asleepMs;
  }

  /** The host sleeps: the wall goes on, and nothing else. */
  sleep(milliseconds: number): void {
    this.wallMs += milliseconds;
    this.asleepMs += milliseconds;
  }

  pass(milliseconds: number): void {
    this.wallMs += milliseconds;
    this.passedMs += BigInt(milliseconds);
  }

  /** As an administrator sets the host's clock. */
  setWall(byMs: number): void {
    this.wallMs += byMs;
  }
}

export const template = { name: 'shop', version: '1' };
/** It exposes nothing. */
export const bare = { name: 'bare', version: '1' };
/** It exposes one port. */
export const small = { name: 'small', version: '1' };

const portsOf: Readonly<Record<string, readonly number[]>> = { [bare.name]: [], [small.name]: [80] };

const templates: TemplateSource = {
  ready: (name, version) => ({
    name,
    version,
    snapshot: 's1',
    chain: [1],
    ports: portsOf[name] ?? [80, 443],
    environment: { LANG: 'C.UTF-8', BERTH_NAME: 'not for a template to say' },
    labels: {},
  }),
  chainOf: () => [1],
  sizeOf: () => 1_000n,
  carriedBy: () => ({ chain: [1], surroundings: {} }),
  adopt: () => 's1',
};

type Settings = Readonly<Record<string, string>>;

/** con's rooms on a fake host, without its doors: one life of the daemon after another on one home. */
export class Rooms {
  readonly home = mkdtempSync(join(tmpdir(), 'con-rooms-'));
  readonly told: string[] = [];
  /** Of the host: another one for the next life of the daemon means that the host was restarted. */
  bootId = 'first';
  private bootBefore = 'first';
  /** What a host counts does not hear of clocks that are set. */
  private readonly bornMs: number;
  host!: FakeHost;
  records!: Records;
  containers!: Containers;
  sampler!: Sampler;
  carried!: CarriedRecords;
  private database: DatabaseSync | undefined;

  constructor(
    private readonly settings: Settings = {},
    private readonly firstCount = 0n,
    readonly clock = new HandClock(),
  ) {
    this.bornMs = clock.now().getTime();
    this.begin();
  }

  /** Nothing is finished, nothing is written: what a kill -9 leaves is what was on disk. */
  kill(): void {
    this.database?.close();
    void this.containers.close(); // the dead try nothing again
    this.database = undefined;
  }

  /** A new life of the daemon on the same home and the same host; `before` it is begun, whether to wait for its end is asked. */
  async restart(before: (rooms: this) => boolean = () => true): Promise<readonly { what: string; cure: string }[]> {
    this.kill();
    this.begin();
    const waits = before(this);
    const warnings = await this.containers.recover();
    if (!waits) return warnings;
    this.bootBefore = this.bootId;
    await this.containers.idle();
    return warnings;
  }

  /** No page more for con's database; what is written then fails as on a full disk (SQLITE_FULL). */
  fillDisk(): void {
    const { page_count: pages } = this.database!.prepare('pragma page_count').get() as { page_count: bigint };
    this.database!.exec(`pragma max_page_count = ${pages}`);
  }

  freeDisk(): void {
    this.database!.exec('pragma max_page_count = 1073741823');
  }

  /** Nothing at all can be written, not even where there is room. */
  writeProtect(isOn: boolean): void {
    this.database!.exec(`pragma query_only = ${isOn ? 'on' : 'off'}`);
  }

  leave(): void {
    this.kill();
    rmSync(this.home, { recursive: true });
  }

  async created(id: string, more: Partial<Parameters<Containers['create']>[0]> = {}): Promise<void> {
    this.containers.create({ id, name: id, owner: 'ann', template, ...more });
    await this.containers.idle();
  }

  async started(id: string): Promise<void> {
    this.containers.start(id);
    await this.containers.idle();
  }

  async stopped(id: string): Promise<void> {
    this.containers.stop(id);
    await this.containers.idle();
  }

  state(id: string): string {
    return this.containers.get(id).state;
  }

  private begin(): void {
    const config = readConfig({ driver: 'fake', home: this.home, appsHost: 'apps.test', ...this.settings }, {});
    this.host = new FakeHost(config, () => this.bornMs + Number(this.clock.monotonicMs()), this.firstCount);
    const database = openDatabase(join(this.home, 'con.db'));
    this.database = database;
    this.records = new Records(database);
    const { host, records, clock } = this;
    const tell = (message: string): void => void this.told.push(message);
    const numbers = new Numbers(database, config);
    const hostNames = new HostNames(database, config);
    const snapshots = new SnapshotRecords(database);
    const needs = {
      strangeLayers: async () => [],
      instance: 'one',
      hostNames,
      records,
      snapshots,
      host,
      templates,
      clock,
      tell,
      trashSeconds: config.trashSeconds,
      reservedPorts: config.reservedPorts,
      isNewBoot: this.bootId !== this.bootBefore,
    };
    this.containers = new Containers({ ...needs, numbers });
    this.sampler = new Sampler({
      host,
      records,
      journal: new Journal(database),
      clock,
      instance: 'one',
      bootId: this.bootId,
      tell,
    });
    this.containers.witnessedBy(this.sampler);
    this.carried = new CarriedRecords({ records, snapshots, layers: host.layers, templates, instance: 'one', tell });
    this.containers.witnessedBy(this.carried);
  }
}

import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '@berth/problem';
import type { Logger } from 'pino';
import { Ballast } from './ballast.js';
import { isLoopback, socketPathOf, type Config } from './config.js';
import { systemClock } from './containers/clock.js';
import { CarriedRecords } from './containers/carried.js';
import { Containers } from './containers/containers.js';
import { heldBack } from './containers/expiry.js';
import { Records } from './containers/records.js';
import { SnapshotRecords } from './containers/snapshot-records.js';
import { openDatabase } from './database.js';
import { FakeHost } from './host/fake/fake.js';
import type { Host, Warning } from './host/host.js';
import { mustBeHomeOf } from './home.js';
import { instanceOf, isAnotherBoot, keepBoot } from './instance.js';
import { lockAll } from './lock.js';
import { asker } from './health/ask.js';
import { Health } from './health/health.js';
import { Journal } from './metering/journal.js';
import { Sampler } from './metering/sampler.js';
import { every } from './metering/timer.js';
import { HostNames } from './network/host-names.js';
import { Numbers } from './network/numbers.js';
import { containerHandlers } from './rpc/handlers/containers.js';
import { hostHandlers } from './rpc/handlers/host.js';
import { templateHandlers } from './rpc/handlers/templates.js';
import { readIdentity } from './rpc/identity.js';
import { CallersClock } from './rpc/callers-clock.js';
import { startServers } from './rpc/servers.js';
import { readToken } from './rpc/token.js';
import { Space } from './storage/space.js';
import { Tickets } from './streams/tickets.js';
import { Templates } from './templates/templates.js';
import { version } from './version.js';

export type Daemon = Readonly<{
  socketPath: string;
  port: number;
  /** Answers what was begun and leaves containers running. */
  close(): Promise<void>;
}>;

/** Starts in order, and stops in reverse. No rules here. */
export async function startDaemon(config: Config, log: Logger, given?: Host): Promise<Daemon> {
  const stops: (() => void | Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    // One that fails keeps none of the others from being stopped: a daemon that hangs holds its locks.
    for (const stop of stops.splice(0).reverse()) {
      await Promise.resolve()
        .then(stop)
        .catch((error: unknown) => log.error({ err: error }, 'cannot end in order'));
    }
  };
  try {
    for (const directory of [config.home, config.runDirectory]) make(directory);
    stops.push(lockAll(config)); // before anything of the host is touched, and let go of after all else
    mustBeHomeOf(config);
    const host = given ?? (await hostOf(config, log));
    stops.push(() => host.close()); // whatever fails from here on: a host that still watches keeps the process alive
    const doors = await start(config, log, host, stops);
    return { ...doors, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(config: Config, log: Logger, host: Host, stops: (() => void | Promise<void>)[]) {
  const tell = (message: string, error?: unknown): void => log.warn({ err: error }, message);
  const path = join(config.home, 'con.db');
  const ballast = new Ballast(path);
  ballast.drop();
  const database = openDatabase(path);
  stops.push(() => ballast.load());
  stops.push(() => database.close());
  const warnings = [...(ballast.take(database) ? [] : [noBallast]), ...(await host.prepare())];
  stops.push(every(60_000, async () => void ballast.refill(database), tell));

  const clock = systemClock;
  const tickets = new Tickets();
  const records = new Records(database);
  const snapshots = new SnapshotRecords(database);
  const templates: Templates = new Templates({
    database,
    layers: host.layers,
    runtime: host.runtime,
    home: config.home,
    receive: (bytes, take) => tickets.receive(bytes, take),
    containersOn: (snapshot) => containers.on(snapshot),
    tell,
  });
  const numbers = new Numbers(database, config);
  const instance = instanceOf(database);
  const { bootId } = host.facts();
  const isNewBoot = isAnotherBoot(database, bootId);
  const hostNames = new HostNames(database, config);
  const containers = new Containers({
    ...config,
    records,
    snapshots,
    numbers,
    hostNames,
    host,
    templates,
    clock,
    tell,
    isNewBoot,
    strangeLayers: () => templates.strangeLayers(),
    instance,
  });
  const sampler = new Sampler({ host, records, journal: new Journal(database), clock, instance, bootId, tell });
  containers.witnessedBy(sampler);
  const carried = new CarriedRecords({ records, snapshots, layers: host.layers, templates, instance, tell });
  containers.witnessedBy(carried);

  await templates.recover();
  stops.push(() => templates.close());
  stops.push(host.runtime.watch((slot) => containers.ended(slot)));
  warnings.push(...(await containers.recover()));
  await carried.recover();
  stops.push(() => carried.idle());
  keepBoot(database, bootId); // only now: what ran before is on record to be started again
  let kept = 0;
  const expire = (): void => {
    ({ kept } = containers.expire(sampler.now()));
    containers.snapshots.expire(sampler.now());
  };
  stops.push(() => containers.close());
  stops.push(() => sampler.tick());
  stops.push(every(config.sampleSeconds * 1_000, () => sampler.tick(), tell));
  const holdNetwork = async (): Promise<void> => {
    if (await host.net.hold()) tell('somebody else had changed the nftables table of the containers: it stands again');
    if (await host.front?.hold()) tell('Caddy had ended: it answers for names again');
  };
  stops.push(every(3_000, holdNetwork, tell));
  stops.push(every(10_000, async () => expire(), tell));
  const space = new Space(host.layers, tell);
  stops.push(every(500, () => space.guard(), tell));

  const health = new Health({
    records,
    checkOf: (snapshot) => templates.healthcheckOf(snapshot),
    ask: asker(host.runtime),
    monotonicMs: () => Number(clock.monotonicMs()),
  });
  stops.push(every(500, async () => health.tick(), tell));

  const now = (): Date => clock.now();
  const identity = isLoopback(config.listenHost) ? undefined : await readIdentity(join(config.home, 'tls.pem'));
  const callers = new CallersClock(now);
  const servers = await startServers({
    handlers: {
      ...hostHandlers({
        ...{ host, records, containers, instance, version, now, pin: identity?.pin },
        warnings: () => [...warnings, ...callers.warnings(), ...(kept > 0 ? [heldBack(kept)] : [])],
      }),
      ...templateHandlers(templates),
      ...containerHandlers({
        containers,
        records,
        sampler,
        health,
        space,
        streams: tickets,
        now,
      }),
    },
    tickets,
    socketPath: socketPathOf(config),
    host: config.listenHost,
    port: config.listenPort,
    token: readToken(config.tokenFile ?? join(config.home, 'token')),
    ...(identity ? { identity } : {}),
    clock: callers,
    log,
  });
  stops.push(() => servers.close());
  return { socketPath: servers.socketPath, port: servers.port };
}

const noBallast: Warning = {
  what: "the disk is full: there is no space left for con's own records",
  cure: 'remove templates that nobody uses and destroy what is in the trash, then start con anew',
};

function make(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o711 });
    accessSync(directory, constants.W_OK);
  } catch (cause) {
    const message = `cannot make ${directory}: run con as root, or give it --home and --run-directory where it may write`;
    throw new Problem('forbidden', message, { cause });
  }
}

/** The real host is loaded only where it is asked for: it needs koffi, which not every platform has. */
async function hostOf(config: Config, log: Logger): Promise<Host> {
  if (config.driver === 'fake') return new FakeHost(config);
  const { LinuxHost } = await import('./host/linux/linux.js');
  return new LinuxHost(config, (change) => log.info({ change }, 'changing this host'));
}

import { readdirSync } from 'node:fs';
import { defaultLimits } from '@berth/container';
import type { Config } from '../src/config.js';
import { must } from '../src/host/linux/exec.js';
import { LinuxHost } from '../src/host/linux/linux.js';
import { mountsBelow } from '../src/host/linux/mounts.js';
import { vethOf } from '../src/host/linux/names.js';
import type { Forwarding } from '../src/host/net.js';
import type { ContainerSpec, ExecSession, Running, Slot } from '../src/host/runtime.js';
import { Ground } from './ground.js';

const GiB = 1024n ** 3n;

export type Heard = { code: number; output: string; errors: string };

/** A real host with a base, on which tests keep containers; nothing of it is left after `leave`. */
export class House {
  // One range of ids for all, so that the host's list of reserved ids does not grow with each run.
  readonly ground: Ground;
  readonly config: Config;
  readonly host: LinuxHost;

  constructor(settings: Readonly<Record<string, string>> = {}) {
    this.ground = new Ground({ firstId: '1048576', ...settings });
    this.config = this.ground.config;
    this.host = new LinuxHost(this.config);
  }

  async enter(): Promise<void> {
    await this.ground.base(1);
    await this.host.prepare();
    await this.host.net.sync({ addresses: [], forwards: [] });
  }

  address(slot: Slot): string {
    return this.config.addressPool.replace('0.0/16', `0.${slot}`);
  }

  forward(slot: Slot, hostPort: number, port = 8080): Forwarding {
    return { protocol: 'tcp', hostPort, address: this.address(slot), port };
  }

  async spec(slot: Slot, changes: Partial<ContainerSpec> = {}): Promise<ContainerSpec> {
    const range = changes.range ?? 1;
    await this.host.layers.createVolume(slot, range, GiB);
    const root = await this.host.layers.mount(slot, range, [1]);
    const given = { range, root, address: this.address(slot), limits: defaultLimits, environment: {} };
    return { hostname: `c${slot}`, ...given, ...changes };
  }

  async start(
    slot: Slot,
    forwards: readonly Forwarding[] = [],
    changes: Partial<ContainerSpec> = {},
  ): Promise<Running> {
    await this.host.net.open(slot, this.address(slot), forwards);
    return this.host.runtime.start(slot, await this.spec(slot, changes));
  }

  /** Runs a command inside to its end. */
  async said(slot: Slot, ...argv: string[]): Promise<Heard> {
    const session = this.host.runtime.exec(slot, argv);
    session.input.end();
    const [output, errors, code] = await Promise.all([text(session.output), text(session.errors), session.exit]);
    return { code, output, errors };
  }

  /** Until systemd inside has nothing more to do. */
  async booted(slot: Slot): Promise<void> {
    const waiting = 'until test -S /run/systemd/private; do sleep 0.02; done; systemctl is-system-running --wait';
    await this.said(slot, 'sh', '-c', waiting);
  }

  /** A server inside that answers every request with one text, by the perl that every base has; it listens by then. */
  async serve(slot: Slot, answer: string, port = 8080): Promise<ExecSession> {
    const session = this.host.runtime.exec(slot, ['perl', '-e', server, `${port}`, answer]);
    await new Promise((resolve) => session.output.once('data', resolve));
    return session;
  }

  /** Answers every line of TCP, and every datagram of UDP, with the same; it listens by then. */
  async echo(slot: Slot, port: number): Promise<ExecSession> {
    const session = this.host.runtime.exec(slot, ['perl', '-e', echo, `${port}`]);
    await new Promise((resolve) => session.output.once('data', resolve));
    return session;
  }

  /** What of its containers is to be found on the host. */
  async traces(): Promise<string[]> {
    const { name, runDirectory } = this.config;
    const links = await must(['ip', '-o', 'link']);
    const cgroups = await Promise.all(
      this.ground.cgroups.hierarchies.map(({ path }) =>
        must(['find', `${path}/${name}`, '-mindepth', '1', '-type', 'd']),
      ),
    );
    return [
      // A disk stays mounted for as long as its volume is there.
      ...mountsBelow(runDirectory).filter((path) => !path.startsWith(`${runDirectory}/disks/`)),
      ...links.split('\n').filter((line) => line.includes(` ${vethOf(this.config, 1).slice(0, -1)}`)),
      ...(await must(['ip', 'route'])).split('\n').filter((line) => line.includes(` ${name}v`)),
      ...cgroups.flatMap((found) => found.split('\n').filter((line) => /\/\d+$/.test(line))),
      ...readdirSync(`${runDirectory}/lxc`),
      ...readdirSync(`${runDirectory}/ended`),
    ];
  }

  async leave(): Promise<void> {
    for (const { slot } of await this.host.runtime.running()) await this.host.runtime.stop(slot, { timeoutMs: 0 });
    for (const slot of await this.host.layers.volumes()) await this.host.layers.removeVolume(slot);
    await this.host.net.remove();
    await this.host.close();
    await this.ground.leave();
  }
}

const server = `
  use IO::Socket::INET;
  my $s = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 64, ReuseAddr => 1) or die $!;
  $| = 1; print "ready\\n";
  $SIG{CHLD} = 'IGNORE';
  while (my $c = $s->accept) {
    next if fork;
    while (my $line = <$c>) { last if $line =~ /^\\r?$/ }
    print $c "HTTP/1.0 200 OK\\r\\nContent-Length: ".length($ARGV[1])."\\r\\n\\r\\n$ARGV[1]";
    exit;
  }`;

/** By the perl that every base has: on one port, by both protocols. */
export const echo = `
  use IO::Socket::INET;
  my $udp = IO::Socket::INET->new(LocalPort => $ARGV[0], Proto => "udp") or die $!;
  my $s = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 64, ReuseAddr => 1) or die $!;
  $| = 1; print "ready\\n";
  $SIG{CHLD} = 'IGNORE';
  if (!fork) { while (defined $udp->recv(my $said, 2000)) { $udp->send($said) } exit }
  while (my $c = $s->accept) {
    next if fork;
    while (my $line = <$c>) { print $c $line; $c->flush }
    exit;
  }`;

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let heard = '';
  for await (const chunk of stream) heard += chunk.toString();
  return heard;
}

/** Resolves with the first value that is there; a wrong product hangs until the test's own deadline. */
export async function eventually<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

import { writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { must, open, run } from '../src/host/linux/exec.js';
import type { Grants } from '../src/host/net.js';
import { eventually, House } from './house.js';
import { describeReal } from './real.js';

const first = 45_000 + (process.pid % 500) * 4;

describeReal('IPv6 on a real host', () => {
  const house = new House();
  const { net } = house.host;
  const table = `berth_${house.config.name}`;
  const link = `${house.config.name}six`;
  /** Of the host, in a network of the operator's, and of two beyond it: a public one and a private one. */
  const [gateway, neighbour, stranger, hidden] = ['2001:db8:a::1', '2001:db8:a::2', '2001:db8:b::2', 'fd77:7::2'];
  let servers: ReturnType<typeof open>[] = [];

  beforeAll(async () => {
    await house.enter();
    await Promise.all([1, 2].map((slot) => house.start(slot, [house.forward(slot, first + slot, 7007)])));
    await Promise.all([1, 2].map((slot) => house.booted(slot)));
    for (const slot of [1, 2]) await serve(slot);
    await must(['ip', 'netns', 'add', link]);
    await must(['ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', link]);
    await must(['ip', 'address', 'add', `${gateway}/64`, 'dev', link, 'nodad']);
    await must(['ip', 'link', 'set', link, 'up']);
    for (const address of [neighbour, stranger, hidden]) {
      await must(['ip', '-n', link, 'address', 'add', `${address}/64`, 'dev', 'eth0', 'nodad']);
    }
    await must(['ip', '-n', link, 'link', 'set', 'eth0', 'up']);
    await must(['ip', '-n', link, 'route', 'add', 'default', 'via', gateway, 'dev', 'eth0']);
    for (const address of [stranger, hidden]) {
      await must(['ip', 'route', 'add', address, 'via', neighbour, 'dev', link, 'src', gateway]);
    }
    for (const port of [7007, 25]) servers.push(await serving(['ip', 'netns', 'exec', link], port));
    await sync();
    await Promise.all([1, 2].map((slot) => settled(slot)));
  }, 20 * 60_000);
  afterAll(async () => {
    for (const server of servers) server.kill();
    servers = [];
    await must(['ip', 'link', 'delete', link]);
    await must(['ip', 'netns', 'delete', link]);
    await house.leave();
  }, 60_000);

  const sync = async (): Promise<void> => {
    await net.sync({
      addresses: [1, 2].map((slot) => ({ slot, address: house.address(slot) })),
      forwards: [1, 2].map((slot) => house.forward(slot, first + slot, 7007)),
    });
    await must(['nft', 'add', 'element', 'inet', table, 'uplinks', `{ "${link}" }`]);
  };
  const change = (slot: number, sources?: readonly string[], grants: Grants = {}): Promise<void> => {
    const forward = { ...house.forward(slot, first + slot, 7007), ...(sources ? { sources } : {}) };
    return net.change(slot, house.address(slot), [forward], grants);
  };
  const six = (slot: number): string => net.address6(slot)!;
  const serve = async (slot: number): Promise<void> => {
    const session = house.host.runtime.exec(slot, ['perl', '-e', server, '7007']);
    await new Promise((resolve) => session.output.once('data', resolve));
  };
  /** An address may be used once nobody else was found to have it (RFC 4862 §5.4), at both ends of the wire. */
  const settled = (slot: number): Promise<true> =>
    eventually(async () => {
      const inside = await house.said(slot, 'ip', '-6', 'address', 'show', 'tentative');
      const outside = await must(['ip', '-6', 'address', 'show', 'dev', `${house.config.name}v${slot}`, 'tentative']);
      return inside.output + outside === '' || undefined;
    });
  /** Who the other end took the container for, or `closed`. */
  const asked = async (slot: number, host: string, port = 7007, from = ''): Promise<string> =>
    (await house.said(slot, 'perl', '-e', client, host, `${port}`, from)).output;
  const askedFromOutside = (host: string, port: number, from: string): Promise<string> =>
    must(['ip', 'netns', 'exec', link, 'perl', '-e', client, host, `${port}`, from]);

  it('each container has an address, and reaches the world behind the address of the host', async () => {
    expect(six(1)).toMatch(/^fd[0-9a-f:]+::1$/);
    expect(await asked(1, stranger)).toBe(gateway);
    expect(await asked(2, stranger)).toBe(gateway);
  }, 60_000);

  it('a container finds its router where the kernel dropped what LXC had set for that', async () => {
    await run(['ip', '-6', 'neigh', 'delete', 'proxy', 'fe80::', 'dev', `${house.config.name}v1`]);
    await house.said(1, 'ip', '-6', 'neigh', 'flush', 'dev', 'eth0');
    expect(await asked(1, stranger)).toBe(gateway);
  }, 60_000);

  it('the host, its neighbours, private networks and other containers are closed, mail too until it is opened', async () => {
    expect([await asked(1, hidden), await asked(1, neighbour), await asked(1, six(2))]).toEqual(
      Array(3).fill('closed'),
    );
    const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const listening = await serving([], first + 3);
    servers.push(listening);
    for (const { address } of own.filter(({ family, internal }) => family === 'IPv6' && !internal)) {
      expect([address, await asked(1, address, first + 3)]).toEqual([address, 'closed']);
    }
    expect(await asked(1, stranger, 25)).toBe('closed');
    await change(1, undefined, { smtp: true });
    expect([await asked(1, stranger, 25), await asked(2, stranger, 25)]).toEqual([gateway, 'closed']);
    await change(1);
    expect(await asked(1, stranger, 25)).toBe('closed');
  }, 120_000);

  it('a forward answers at the same port of the host, for those who are admitted', async () => {
    expect(await askedFromOutside(gateway, first + 1, stranger)).toBe(stranger);
    await change(1, ['2001:db8:a::/48']);
    expect(await askedFromOutside(gateway, first + 1, stranger)).toBe('closed');
    expect(await askedFromOutside(gateway, first + 1, neighbour)).toBe(neighbour);
    await change(1, ['192.0.2.0/24']);
    expect(await askedFromOutside(gateway, first + 1, neighbour)).toBe('closed');
    await change(1);
    expect(await askedFromOutside(gateway, first + 1, neighbour)).toBe(neighbour);
    expect(await askedFromOutside(six(1), 7007, neighbour)).toBe('closed');
  }, 60_000);

  it('nobody sends from another’s address, and nobody plays the router', async () => {
    await house.said(1, 'ip', 'address', 'add', `${six(2)}/128`, 'dev', 'lo', 'nodad');
    const before = await net.traffic();
    expect(await asked(1, stranger, 7007, six(2))).toBe('closed');
    expect((await net.traffic()).get(house.address(2))).toEqual(before.get(house.address(2)));
    await house.said(1, 'ip', 'address', 'delete', `${six(2)}/128`, 'dev', 'lo');
    const veth = `${house.config.name}v1`;
    writeFileSync(`/proc/sys/net/ipv6/conf/${veth}/accept_ra`, '2');
    const { output } = await house.said(1, 'perl', '-e', advert);
    expect(output).toBe('sent 16');
    await asked(1, stranger); // whatever the kernel makes of it, it has made by then
    expect(await must(['ip', '-6', 'route', 'show', 'dev', veth])).not.toContain('default');
  }, 60_000);

  it('every byte is counted with those of version 4, and goes on after a foreign flush', async () => {
    const before = (await net.traffic()).get(house.address(1))!;
    await asked(1, stranger);
    const after = (await net.traffic()).get(house.address(1))!;
    expect(after.bytesOut - before.bytesOut).toBeGreaterThan(100n);
    expect(after.bytesIn - before.bytesIn).toBeGreaterThan(100n);
    await must(['nft', 'delete', 'table', 'inet', table]);
    expect(await net.hold()).toBe(true);
    expect((await net.traffic()).get(house.address(1))!.bytesOut).toBeGreaterThanOrEqual(after.bytesOut);
    await sync();
    expect(await asked(1, stranger)).toBe(gateway);
  }, 60_000);

  it('nothing is left in the table of a container that was closed', async () => {
    await change(2, ['2001:db8:b::/48'], { smtp: true, outBytesPerSecond: 1_000_000 });
    await net.close(2, house.address(2), []);
    expect(await must(['nft', 'list', 'table', 'inet', table])).not.toMatch(new RegExp(`${six(2)}\\b|${first + 2}`));
    expect(await asked(2, stranger)).toBe('closed');
  }, 60_000);
});

/** Tells everybody by which address they came. */
const server = `
  use Socket qw(:DEFAULT inet_ntop pack_sockaddr_in6 unpack_sockaddr_in6 IPPROTO_IPV6 IPV6_V6ONLY);
  socket my $s, AF_INET6, SOCK_STREAM, 0 or die $!;
  setsockopt $s, SOL_SOCKET, SO_REUSEADDR, 1;
  bind $s, pack_sockaddr_in6($ARGV[0], Socket::IN6ADDR_ANY) or die $!;
  listen $s, 64 or die $!;
  $| = 1; print "ready\\n";
  while (my $peer = accept my $c, $s) {
    my (undef, $address) = unpack_sockaddr_in6($peer);
    syswrite $c, inet_ntop(AF_INET6, $address);
    close $c;
  }`;

const client = `
  use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6);
  my ($host, $port, $from) = @ARGV;
  socket my $s, AF_INET6, SOCK_STREAM, 0 or die $!;
  if ($from) { bind $s, pack_sockaddr_in6(0, inet_pton(AF_INET6, $from)) or die $! }
  $SIG{ALRM} = sub { print "closed"; exit };
  alarm 1;
  connect $s, pack_sockaddr_in6($port, inet_pton(AF_INET6, $host)) or do { print "closed"; exit };
  sysread $s, my $answer, 100;
  print length $answer ? $answer : "closed";`;

/** A router advertisement (RFC 4861 §4.2) to all nodes: a default route for half an hour. */
const advert = `
  use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6);
  open my $file, '<', '/sys/class/net/eth0/ifindex';
  socket my $s, AF_INET6, SOCK_RAW, 58 or die $!;
  setsockopt $s, 41, 18, pack 'i', 255 or die $!;
  my $sent = send $s, pack('CCnCCnNN', 134, 0, 0, 64, 0, 1800, 0, 0), 0, pack_sockaddr_in6(0, inet_pton(AF_INET6, 'ff02::1'), int <$file>);
  print 'sent ', $sent;`;

async function serving(before: readonly string[], port: number): Promise<ReturnType<typeof open>> {
  const child = open([...before, 'perl', '-e', server, `${port}`]);
  await new Promise((resolve) => child.output.once('data', resolve));
  return child;
}

import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { must, run } from '../src/host/linux/exec.js';
import { LinuxNet } from '../src/host/linux/net.js';
import { eventually, House } from './house.js';
import { Lan } from './lan.js';
import { describeReal } from './real.js';

/** Forwarded ports of the tests, apart from those that con gives out by default. */
const first = 31_000 + (process.pid % 500) * 20;

describeReal('the network of containers on a real host', () => {
  const house = new House();
  const { net, runtime } = house.host;
  const [port, otherPort] = [first, first + 1];
  const url = (hostPort: number): string => `http://${net.appsHost}:${hostPort}/`;
  const table = `berth_${house.config.name}`;

  beforeAll(async () => {
    await house.enter();
    await house.start(1, [house.forward(1, port)]);
    await house.start(2, [house.forward(2, otherPort)], { range: 2 });
    await house.booted(1);
    await house.booted(2);
    await house.serve(1, 'one');
    await house.serve(2, 'two');
  }, 20 * 60_000);
  afterAll(() => house.leave(), 60_000);

  /** What a request from inside a container is answered; by perl, because every base has it. */
  const asked = async (slot: number, host: string, askedPort: number, from = ''): Promise<string> => {
    const { output } = await house.said(slot, 'perl', '-e', client, host, `${askedPort}`, from);
    return output;
  };

  const sync = (changes: Partial<typeof house.config> = {}): Promise<void> =>
    new LinuxNet({ ...house.config, ...changes }).sync({
      addresses: [1, 2].map((slot) => ({ slot, address: house.address(slot) })),
      forwards: [house.forward(1, port), house.forward(2, otherPort)],
    });

  it('a forwarded port answers at the address of the host', async () => {
    expect(await (await fetch(url(port))).text()).toBe('one');
    expect(await (await fetch(url(otherPort))).text()).toBe('two');
  });

  it('a container reaches its own forwarded port and a neighbour’s by the host’s address', async () => {
    expect(await asked(1, net.appsHost, port)).toBe('one');
    expect(await asked(1, net.appsHost, otherPort)).toBe('two');
  });

  it('a container reaches no neighbour by its own address', async () => {
    expect(await asked(1, house.address(2), 8080)).toBe('closed');
  }, 120_000);

  it('nothing that listens on the host can be reached from inside, by any of its addresses', async () => {
    const server = await listening();
    const { port: hostPort } = server.address() as AddressInfo;
    try {
      expect((await fetch(`http://${net.appsHost}:${hostPort}/`)).status).toBe(200);
      const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
      const addresses = own.filter((one) => one.family === 'IPv4').map((one) => one.address);
      for (const address of ['169.254.0.1', ...addresses.filter((one) => !one.startsWith('127.'))]) {
        expect([address, await asked(1, address, hostPort)]).toEqual([address, 'closed']);
      }
    } finally {
      server.close();
    }
  }, 120_000);

  it('where names are served, containers reach the front of the host as everybody does, and nothing else of it', async () => {
    const [front, other] = [await listening(), await listening()];
    const portOf = (server: Server): number => (server.address() as AddressInfo).port;
    try {
      await sync({ appsDomain: 'apps.example.org', appsHttpPort: portOf(front), appsHttpsPort: portOf(front) + 1 });
      expect(await asked(1, net.appsHost, portOf(front))).toBe('the host');
      expect(await asked(1, net.appsHost, portOf(other))).toBe('closed');
      await sync();
      expect(await asked(1, net.appsHost, portOf(front))).toBe('closed');
    } finally {
      front.close();
      other.close();
    }
  }, 60_000);

  it('the host’s own processes, its proxy for names above all, reach a container by its address', async () => {
    expect(await (await fetch(`http://${house.address(1)}:8080/`)).text()).toBe('one');
  });

  it('nothing answers a container by version 6 of the protocol, not even on its own wire', async () => {
    const veth = networkInterfaces()[`${house.config.name}v1`] ?? [];
    const address = veth.find((one) => one.family === 'IPv6')?.address;
    const server = createServer((_request, response) => response.end('the host'));
    await new Promise<void>((resolve) => server.listen(0, '::', resolve));
    try {
      const { port: hostPort } = server.address() as AddressInfo;
      const tentative = ['ip', '-6', 'address', 'show', 'dev', 'eth0', 'tentative'];
      await eventually(async () => (await house.said(1, ...tentative)).output === '' || undefined);
      const { output } = await house.said(1, 'perl', '-e', clientOfVersion6, `${address}`, `${hostPort}`);
      expect([address, output]).toEqual([expect.stringMatching(/^fe80:/), 'closed']);
    } finally {
      server.close();
    }
  });

  it('a container that sends from another’s address is not heard, nor is the other charged', async () => {
    const before = await net.traffic();
    await house.said(1, 'ip', 'address', 'add', `${house.address(2)}/32`, 'dev', 'lo');
    expect(await asked(1, net.appsHost, port, house.address(2))).toBe('closed');
    await house.said(1, 'ip', 'address', 'delete', `${house.address(2)}/32`, 'dev', 'lo');
    expect((await net.traffic()).get(house.address(2))).toEqual(before.get(house.address(2)));
    expect(await asked(1, net.appsHost, port, house.address(1))).toBe('one');
  }, 120_000);

  it('mail to strangers is refused', async () => {
    expect(await asked(1, '203.0.113.25', 25)).toBe('refused');
  });

  it('the operator’s own networks and a cloud’s metadata are closed to a container, unless the operator opens them', async () => {
    const lan = await Lan.open(house.config.name, table);
    try {
      for (const address of lan.addresses) expect(await (await fetch(`http://${address}:8099/`)).text()).toBe('canary');
      expect(await asked(1, lan.stranger, 8099)).toBe('canary');
      const heard = lan.requests;
      expect(await asked(1, lan.own, 8099)).toBe('closed');
      expect(await asked(1, lan.metadata, 8099)).toBe('closed');
      expect(lan.requests).toBe(heard);
      await sync({ openRanges: [`${lan.own}/32`] });
      await lan.beUplink();
      expect(await asked(1, lan.own, 8099)).toBe('canary');
      expect(await asked(1, lan.metadata, 8099)).toBe('closed');
    } finally {
      await lan.close();
      await sync();
    }
    expect(await asked(1, net.appsHost, port)).toBe('one');
  }, 60_000);

  it('nobody fills the host’s table of connections through one container, and its neighbour goes on answering', async () => {
    const lan = await Lan.open(house.config.name, table);
    try {
      await sync({ connectionsPerContainer: 20 });
      const { open, release } = await lan.flood(port, 60);
      expect(open).toBe(20);
      const other = await lan.flood(otherPort, 10);
      expect(other.open).toBe(10);
      await Promise.all([release(), other.release()]);
    } finally {
      await sync();
      await lan.close();
    }
    const again = await (await fetch(url(port))).text();
    expect(again).toBe('one');
  }, 60_000);

  it('every byte is counted at the container’s own address, in both directions', async () => {
    const before = (await net.traffic()).get(house.address(1));
    await (await fetch(url(port), { headers: { 'x-filling': 'x'.repeat(5000) } })).text();
    const after = (await net.traffic()).get(house.address(1));
    expect(after!.bytesIn - before!.bytesIn).toBeGreaterThan(5000n);
    expect(after!.bytesOut - before!.bytesOut).toBeGreaterThan(100n);
  });

  it('counters beyond 2^31 and 2^53 are read whole, and go on when a new daemon makes the table stand', async () => {
    const address = house.address(9);
    const set = ['nft', 'add', 'element', 'inet', table];
    const huge = 9_007_199_254_740_993n;
    await must([...set, 'from', `{ ${address} counter packets 7 bytes ${huge} }`]);
    await must([...set, 'to', `{ ${address} counter packets 7 bytes 2147483649 }`]);
    const addresses = [1, 2, 9].map((slot) => ({ slot, address: house.address(slot) }));
    const before = await net.traffic();
    await new LinuxNet(house.config).sync({
      addresses,
      forwards: [house.forward(1, port), house.forward(2, otherPort)],
    });
    const after = await net.traffic();
    expect(after.get(address)).toEqual({ bytesIn: 2147483649n, bytesOut: huge });
    expect(after.get(house.address(1))).toEqual(before.get(house.address(1)));
    expect(await (await fetch(url(port))).text()).toBe('one');
    await net.close(9, address, []);
  });

  it('a sync takes what nobody asked for out of con’s own table, and out of no other', async () => {
    await must(['nft', 'add', 'table', 'inet', `${table}_else`]);
    await must(['nft', 'add', 'chain', 'inet', table, 'leftover']);
    await must([
      'nft',
      'add',
      'element',
      'inet',
      table,
      'forwards',
      `{ tcp . ${first + 9} : ${house.address(1)} . 22 }`,
    ]);
    await must(['nft', 'add', 'element', 'inet', table, 'from', `{ ${house.address(8)} }`]);
    try {
      const before = await net.traffic();
      const addresses = [1, 2].map((slot) => ({ slot, address: house.address(slot) }));
      await net.sync({ addresses, forwards: [house.forward(1, port), house.forward(2, otherPort)] });
      const text = await must(['nft', 'list', 'table', 'inet', table]);
      expect(text).not.toContain('leftover');
      expect(text).not.toContain(`tcp . ${first + 9} `);
      expect([...(await net.traffic()).keys()].sort()).toEqual([house.address(1), house.address(2)]);
      expect((await net.traffic()).get(house.address(1))).toEqual(before.get(house.address(1)));
      expect((await run(['nft', 'list', 'table', 'inet', `${table}_else`])).code).toBe(0);
      expect(await (await fetch(url(port))).text()).toBe('one');
    } finally {
      await must(['nft', 'delete', 'table', 'inet', `${table}_else`]);
    }
  });

  it('opening twice and closing twice are as good as once', async () => {
    const forwards = [house.forward(7, first + 7)];
    await net.open(7, house.address(7), forwards);
    await net.open(7, house.address(7), forwards);
    expect((await net.traffic()).has(house.address(7))).toBe(true);
    await net.close(7, house.address(7), forwards);
    await net.close(7, house.address(7), forwards);
    expect((await net.traffic()).has(house.address(7))).toBe(false);
  });

  it('closing forgets the connections that were tracked, and leaves alone a port that leads elsewhere by now', async () => {
    const socket = connect(otherPort, net.appsHost);
    await new Promise((resolve) => socket.once('connect', resolve));
    const tracked = (): Promise<string> => must(['conntrack', '-L', '--reply-src', house.address(2)]);
    expect(await tracked()).toContain(house.address(2));
    await net.close(2, house.address(2), [house.forward(2, otherPort), house.forward(2, port)]);
    expect(await tracked()).not.toContain(house.address(2));
    socket.destroy();
    expect(await (await fetch(url(port))).text()).toBe('one');
    await net.open(2, house.address(2), [house.forward(2, otherPort)]);
    expect(await (await fetch(url(otherPort))).text()).toBe('two');
  });

  it('the address of a container that does not run leads nowhere', async () => {
    const { code, errors } = await run(['ip', 'route', 'get', house.address(77)]);
    expect(code).not.toBe(0);
    expect(errors).toContain('Invalid argument');
  });

  it('two daemons with two names and two pools serve side by side, and their containers do not meet', async () => {
    const other = new House();
    try {
      await other.enter();
      await other.start(1, [other.forward(1, first + 2)]);
      await other.booted(1);
      await other.serve(1, 'other');
      expect(await (await fetch(url(first + 2))).text()).toBe('other');
      expect(await (await fetch(url(port))).text()).toBe('one');
      expect(await asked(1, other.address(1), 8080)).toBe('closed');
      await other.host.net.sync({ addresses: [], forwards: [] });
      expect(await (await fetch(url(port))).text()).toBe('one');
    } finally {
      await other.leave();
    }
    expect(await runtime.running()).toHaveLength(2);
  }, 180_000);
});

const client = `
  use IO::Socket::INET;
  my ($host, $port, $from) = @ARGV;
  my $s = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 1, $from ? (LocalAddr => $from) : ());
  if (!$s) { print $! =~ /refused/ ? "refused" : "closed"; exit }
  print $s "GET / HTTP/1.0\\r\\n\\r\\n";
  my $answer = join '', <$s>;
  $answer =~ s/.*?\\r\\n\\r\\n//s;
  print $answer;`;

const clientOfVersion6 = `
  use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6);
  my ($host, $port) = @ARGV;
  open my $file, '<', '/sys/class/net/eth0/ifindex';
  socket my $s, AF_INET6, SOCK_STREAM, 0 or die $!;
  $SIG{ALRM} = sub { print "closed"; exit };
  alarm 1;
  print connect($s, pack_sockaddr_in6($port, inet_pton(AF_INET6, $host), int <$file>)) ? "open" : "closed";`;

async function listening(): Promise<Server> {
  const server = createServer((_request, response) => response.end('the host'));
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  return server;
}

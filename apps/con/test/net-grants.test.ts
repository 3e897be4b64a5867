import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { must } from '../src/host/linux/exec.js';
import { LinuxNet } from '../src/host/linux/net.js';
import type { Grants } from '../src/host/net.js';
import type { ExecSession } from '../src/host/runtime.js';
import { eventually, House } from './house.js';
import { Lan } from './lan.js';
import { describeReal } from './real.js';

describeReal('private networks, mail and names on a real host', () => {
  const house = new House();
  const table = `berth_${house.config.name}`;
  const [own, stranger] = ['10.251.9.2', '198.51.100.130'];
  const servers = [own];
  const net = new LinuxNet({ ...house.config, queriesPerSecond: 50 }, () => servers);
  const slots = [1, 2, 3];
  let lan: Lan;

  beforeAll(async () => {
    await house.enter();
    await Promise.all(slots.map((slot) => house.start(slot)));
    await Promise.all(slots.map((slot) => house.booted(slot)));
    for (const slot of slots) await house.echo(slot, 7007);
    lan = await Lan.open(house.config.name, table);
    await sync();
  }, 20 * 60_000);
  afterAll(async () => {
    await lan?.close();
    await house.leave();
  }, 60_000);

  const grants = new Map<number, Grants>();
  const sync = async (): Promise<void> => {
    const addresses = slots.map((slot) => ({ slot, address: house.address(slot), grants: grants.get(slot) ?? {} }));
    await net.sync({ addresses, forwards: [] });
    await lan.beUplink();
  };
  const grant = (slot: number, given: Grants): Promise<void> => {
    grants.set(slot, given);
    return net.change(slot, house.address(slot), [], given);
  };

  /** Says a word to the echo of another container, or to a port outside, and answers what comes back within a second. */
  const said = async (slot: number, host: string, port: number, proto = 'tcp'): Promise<string> =>
    (await house.said(slot, 'perl', '-e', say, proto, host, `${port}`)).output;
  const reaches = async (from: number, to: number): Promise<boolean> =>
    (await said(from, house.address(to), 7007)) === 'word';

  it('containers of one private network reach each other, both ways, and nobody else does', async () => {
    expect(await reaches(1, 2)).toBe(false);
    await grant(1, { networks: [7] });
    expect([await reaches(1, 2), await reaches(2, 1)]).toEqual([false, false]);
    await grant(2, { networks: [5, 7] });
    await grant(3, { networks: [5, 8] });
    expect([await reaches(1, 2), await reaches(2, 1), await reaches(2, 3)]).toEqual([true, true, true]);
    expect(await said(1, house.address(2), 7007, 'udp')).toBe('word');
    expect([await reaches(1, 3), await reaches(3, 1)]).toEqual([false, false]);
  }, 60_000);

  it('who leaves a private network is cut off at once, and its other networks stay', async () => {
    await grant(2, { networks: [5, 7] });
    await grant(1, { networks: [7] });
    await grant(3, { networks: [5] });
    const talk = talking(house.host.runtime.exec(1, ['perl', '-e', keep, house.address(2), '7007']));
    expect(await talk('one')).toBe('one\n');
    await grant(2, { networks: [5] });
    expect(await talk('two')).toBe('closed\n');
    expect([await reaches(1, 2), await reaches(2, 1), await reaches(2, 3)]).toEqual([false, false, true]);
    await sync();
    expect([await reaches(1, 2), await reaches(2, 3)]).toEqual([false, true]);
  }, 60_000);

  it('a member of a private network cannot speak in it with another’s address', async () => {
    await grant(1, {});
    await grant(2, { networks: [7] });
    await grant(3, { networks: [7] });
    await house.said(1, 'ip', 'address', 'add', `${house.address(3)}/32`, 'dev', 'lo');
    const { output } = await house.said(1, 'perl', '-e', say, 'udp', house.address(2), '7007', house.address(3));
    expect(output).toBe('closed');
    await house.said(1, 'ip', 'address', 'delete', `${house.address(3)}/32`, 'dev', 'lo');
  }, 60_000);

  it('mail to strangers is closed until it is opened, and closed at once when it is closed again', async () => {
    const outside = await lan.echo(25);
    try {
      expect(await said(1, stranger, 25)).toBe('closed');
      await grant(1, { smtp: true });
      expect([await said(1, stranger, 25), await said(2, stranger, 25)]).toEqual(['word', 'closed']);
      const talk = talking(house.host.runtime.exec(1, ['perl', '-e', keep, stranger, '25']));
      expect(await talk('one')).toBe('one\n');
      await grant(1, {});
      expect(await talk('two')).toBe('closed\n');
    } finally {
      await outside.close();
    }
  }, 60_000);

  it('names are asked of con’s own address, which follows the host’s name servers without a restart', async () => {
    const dns = await lan.echo(53);
    try {
      expect(await said(1, '169.254.0.1', 53, 'udp')).toBe('word');
      expect(await said(1, '169.254.0.2', 53)).toBe('word');
      expect(await said(1, '169.254.0.1', 54)).toBe('closed');
      servers.splice(0, 1, '10.251.9.77'); // nobody is there
      expect(await net.hold()).toBe(false);
      await lan.beUplink();
      expect(await said(1, '169.254.0.1', 53, 'udp')).toBe('closed');
      servers.splice(0, 1, own);
      expect(await net.hold()).toBe(false);
      await lan.beUplink();
      expect(await said(1, '169.254.0.1', 53, 'udp')).toBe('word');
      const { output } = await house.said(1, 'cat', '/etc/resolv.conf');
      expect(output.match(/^nameserver .*/gm)).toEqual(['nameserver 169.254.0.1', 'nameserver 169.254.0.2']);
    } finally {
      await dns.close();
    }
  }, 60_000);

  it('a container that asks for names without end is heard so many times a second, and its neighbour all the same', async () => {
    const dns = await lan.echo(53);
    try {
      const { output } = await house.said(1, 'perl', '-e', storm, '169.254.0.1', '2000');
      expect(Number(output)).toBeLessThan(1000); // 100 at once, and 50 for each second that it took
      expect(Number(output)).toBeGreaterThan(50);
      expect(await said(2, '169.254.0.1', 53, 'udp')).toBe('word');
    } finally {
      await dns.close();
    }
  }, 60_000);

  it('bytes a second are bounded in each direction, in what is counted too, and the neighbour’s are not', async () => {
    await Promise.all([1, 2].map((slot) => grant(slot, { networks: [7] })));
    const echoed = async (from: number, to: number): Promise<number> =>
      Number((await house.said(from, 'perl', '-e', storm, house.address(to), '2000', '7007', '1000')).output);
    const free = await echoed(1, 2);
    expect(free).toBeGreaterThan(1_000); // a busy machine's buffers may lose some
    const before = (await net.traffic()).get(house.address(1))!;
    await grant(1, { networks: [7], outBytesPerSecond: 20_000 });
    const slow = await echoed(1, 2); // 131,072 bytes at once, of two million
    expect(slow).toBeGreaterThan(50);
    expect(slow).toBeLessThan(500);
    expect((await net.traffic()).get(house.address(1))!.bytesOut - before.bytesOut).toBeLessThan(600_000n);
    await grant(1, { networks: [7], inBytesPerSecond: 20_000 });
    const deaf = await echoed(1, 2);
    expect(deaf).toBeGreaterThan(50);
    expect(deaf).toBeLessThan(500);
    await sync();
    expect(await echoed(1, 2)).toBeLessThan(500);
    await grant(1, { networks: [7] });
    expect(await echoed(1, 2)).toBeGreaterThan(1_000);
  }, 60_000);

  it('packets a second are bounded for each', async () => {
    await Promise.all([1, 2].map((slot) => grant(slot, { networks: [7] })));
    const few = new LinuxNet({ ...house.config, packetsPerSecond: 100 }, () => servers);
    const addresses = [1, 2].map((slot) => ({ slot, address: house.address(slot), grants: grants.get(slot)! }));
    await few.sync({ addresses, forwards: [] });
    try {
      const { output } = await house.said(1, 'perl', '-e', storm, house.address(2), '2000', '7007');
      expect(Number(output)).toBeLessThan(1_000);
    } finally {
      await sync();
    }
  }, 60_000);

  it('what a foreign hand takes out of the table is made good, with the counts that were read last', async () => {
    await grant(1, {});
    await grant(2, { networks: [7] });
    await grant(3, { networks: [7] });
    await reaches(2, 3);
    expect(await net.hold()).toBe(false);
    const before = (await net.traffic()).get(house.address(2))!;
    expect(before.bytesOut).toBeGreaterThan(0n);
    await must(['nft', 'delete', 'table', 'inet', table]);
    expect((await net.traffic()).get(house.address(2))).toEqual(before);
    expect(await net.hold()).toBe(true);
    expect(await net.hold()).toBe(false);
    expect((await net.traffic()).get(house.address(2))!.bytesOut).toBeGreaterThanOrEqual(before.bytesOut);
    expect([await reaches(2, 3), await reaches(1, 3)]).toEqual([true, false]);
    await must(['nft', 'flush', 'chain', 'inet', table, 'passing']);
    expect(await net.hold()).toBe(true);
    expect([await reaches(2, 3), await reaches(1, 3)]).toEqual([true, false]);
    await must(['nft', 'delete', 'table', 'inet', table]);
    await net.close(3, house.address(3), []);
    expect(await net.hold()).toBe(false);
    expect([await reaches(2, 3), await said(2, '169.254.0.1', 53, 'udp')]).toEqual([false, 'closed']);
    expect(await must(['nft', 'list', 'table', 'inet', table])).not.toMatch(new RegExp(`${house.address(3)}\\b`));
  }, 60_000);
});

/** Says words into a connection one by one. */
function talking(session: ExecSession): (word: string) => Promise<string> {
  let heard = '';
  session.output.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  return async (word) => {
    heard = '';
    session.input.write(`${word}\n`);
    return eventually(() => (heard.includes('\n') ? heard : undefined));
  };
}

const say = `
  use IO::Socket::INET;
  my ($proto, $host, $port, $from) = @ARGV;
  $SIG{ALRM} = sub { print "closed"; exit };
  alarm 1;
  my $s = IO::Socket::INET->new(Proto => $proto, PeerAddr => $host, PeerPort => $port, $from ? (LocalAddr => $from) : ());
  if (!$s) { print "closed"; exit }
  print $s $proto eq "udp" ? "word" : "word\\n"; $s->flush;
  my $answer;
  if ($proto eq "udp") { $s->recv($answer, 100) } else { $answer = <$s> }
  chomp $answer if defined $answer;
  print defined $answer ? $answer : "closed";`;

const keep = `
  use IO::Socket::INET;
  $| = 1;
  my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => 1);
  while (my $word = <STDIN>) {
    my $answer = $s && eval {
      local $SIG{ALRM} = sub { die };
      local $SIG{PIPE} = 'IGNORE';
      alarm 1;
      $s->print($word); $s->flush;
      my $line = <$s>;
      alarm 0;
      $line;
    };
    print $answer || "closed\\n";
  }`;

/** Sends so many datagrams from one socket, a little ahead of the answers, and counts those until a second was quiet. */
const storm = `
  use IO::Socket::INET; use IO::Select;
  my ($host, $many, $port, $length) = @ARGV;
  my $word = "w" x ($length || 4);
  my $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => $host, PeerPort => $port || 53);
  my $ready = IO::Select->new($s); my $heard = 0;
  for my $n (1 .. $many) { $s->send($word); while ($ready->can_read($n - $heard > 20 ? 0.0005 : 0)) { $s->recv(my $x, 2000); $heard++ } }
  while ($ready->can_read(1)) { $s->recv(my $x, 2000); $heard++ }
  print $heard;`;

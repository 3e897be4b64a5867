import { open, must, run } from '../src/host/linux/exec.js';
import { echo, eventually } from './house.js';

/** A network of the operator's behind the host, in a namespace of its own: a canary that counts who asked it. */
export class Lan {
  /** The host's own address there. */
  readonly gateway = '10.251.9.1';
  readonly own = '10.251.9.2';
  /** Looks public: shows that the way there is open. */
  readonly stranger = '198.51.100.130';
  readonly metadata = '169.254.169.254';
  readonly addresses = [this.own, this.stranger, this.metadata];
  requests = 0;
  private server: ReturnType<typeof open> | undefined;

  private constructor(
    private readonly name: string,
    private readonly table: string,
  ) {}

  static async open(prefix: string, table: string): Promise<Lan> {
    const lan = new Lan(`${prefix}lan`, table);
    try {
      await lan.build();
      await lan.beUplink();
      await lan.serve();
      return lan;
    } catch (error) {
      await lan.close();
      throw error;
    }
  }

  /** A sync knows nothing of it and takes it away. */
  async beUplink(): Promise<void> {
    await must(['nft', 'add', 'element', 'inet', this.table, 'uplinks', `{ "${this.name}" }`]);
  }

  async close(): Promise<void> {
    this.server?.kill('SIGKILL');
    await this.server?.exit;
    await run(['ip', 'link', 'delete', this.name]);
    await run(['ip', 'netns', 'delete', this.name]);
  }

  /** Opens as many connections to a port of the host as it can and holds them; answers how many, and how to let go. */
  async flood(port: number, connections: number): Promise<{ open: number; release: () => Promise<unknown> }> {
    const child = open([
      'ip',
      'netns',
      'exec',
      this.name,
      'perl',
      '-e',
      flood,
      this.gateway,
      `${port}`,
      `${connections}`,
    ]);
    const held = Number(await new Promise<Buffer>((told) => child.output.once('data', told)));
    return {
      open: held,
      release: () => {
        child.input.end();
        return child.exit;
      },
    };
  }

  /** What somebody there is answered at a port of the host, within a second; `from` is one of its addresses. */
  async asks(protocol: 'tcp' | 'udp', port: number, from: string): Promise<string> {
    return must(['ip', 'netns', 'exec', this.name, 'perl', '-e', ask, protocol, this.gateway, `${port}`, from]);
  }

  /** Answers every line of TCP and every datagram there with the same; it listens by then. */
  async echo(port: number): Promise<{ close(): Promise<unknown> }> {
    const child = open(['ip', 'netns', 'exec', this.name, 'perl', '-e', echo, `${port}`]);
    await new Promise((resolve) => child.output.once('data', resolve));
    return {
      close: () => {
        child.kill();
        return child.exit;
      },
    };
  }

  /** A connection that stays: each word said into it is answered, until it is cut. */
  talk(port: number, from: string): { say(word: string): Promise<string>; end(): Promise<unknown> } {
    const child = open(['ip', 'netns', 'exec', this.name, 'perl', '-e', talk, this.gateway, `${port}`, from]);
    return {
      say: (word) => {
        const heard = new Promise<string>((resolve) =>
          child.output.once('data', (bytes: Buffer) => resolve(`${bytes}`)),
        );
        child.input.write(`${word}\n`);
        return heard;
      },
      end: () => {
        child.input.end();
        return child.exit;
      },
    };
  }

  private async build(): Promise<void> {
    const { name } = this;
    await must(['ip', 'netns', 'add', name]);
    await must(['ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name]);
    await must(['ip', 'address', 'add', `${this.gateway}/32`, 'dev', name]);
    await must(['ip', 'link', 'set', name, 'up']);
    for (const address of this.addresses) {
      await must(['ip', '-n', name, 'address', 'add', `${address}/32`, 'dev', 'eth0']);
      await must(['ip', 'route', 'add', address, 'dev', name, 'src', this.gateway]);
    }
    await must(['ip', '-n', name, 'link', 'set', 'eth0', 'up']);
    await must(['ip', '-n', name, 'route', 'add', 'default', 'dev', 'eth0']);
  }

  private async serve(): Promise<void> {
    this.server = open(['ip', 'netns', 'exec', this.name, 'perl', '-e', canary]);
    let heard = '';
    this.server.output.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      this.requests = heard.split('asked').length - 1;
    });
    await eventually(() => heard.includes('ready') || undefined);
  }
}

const canary = `
  use IO::Socket::INET;
  my $s = IO::Socket::INET->new(LocalPort => 8099, Listen => 64, ReuseAddr => 1) or die $!;
  $| = 1; print "ready\\n";
  while (my $c = $s->accept) {
    while (my $line = <$c>) { last if $line =~ /^\\r?$/ }
    print $c "HTTP/1.0 200 OK\\r\\nContent-Length: 6\\r\\n\\r\\ncanary";
    print "asked\\n";
    close $c;
  }`;

const flood = `
  use IO::Socket::INET;
  my ($host, $port, $many) = @ARGV;
  my @open;
  for (1 .. $many) {
    my $s = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 0.1);
    push @open, $s if $s;
  }
  $| = 1; print scalar @open;
  <STDIN>;`;

const ask = `
  use IO::Socket::INET;
  my ($proto, $host, $port, $from) = @ARGV;
  $SIG{ALRM} = sub { print "closed"; exit };
  alarm 1;
  my $s = IO::Socket::INET->new(Proto => $proto, PeerAddr => $host, PeerPort => $port, LocalAddr => $from);
  if (!$s) { print "closed"; exit }
  print $s $proto eq "udp" ? "hello" : "GET / HTTP/1.0\\r\\n\\r\\n";
  $s->flush;
  my $answer;
  if ($proto eq "udp") { print defined $s->recv($answer, 100) ? $answer : "closed"; exit }
  $answer = join '', <$s>;
  $answer =~ s/.*?\\r\\n\\r\\n//s;
  print $answer || "closed";`;

/** Each word is answered by the echo at the other end, or by "closed" after a second. */
const talk = `
  use IO::Socket::INET;
  my ($host, $port, $from) = @ARGV;
  $| = 1;
  my $s = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, LocalAddr => $from, Timeout => 1);
  while (my $word = <STDIN>) {
    my $answer = eval {
      local $SIG{ALRM} = sub { die };
      alarm 1;
      $s->print($word); $s->flush;
      my $line = <$s>;
      alarm 0;
      $line;
    };
    print $answer || "closed\\n";
  }`;

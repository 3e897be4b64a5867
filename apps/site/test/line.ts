import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export type Ailment = 'well' | 'refused' | 'mute' | 'dripping';

/** A wire, to a port or a socket's path, that can fall ill: refuse, take everything and say nothing, or let a byte through now and then. */
export class Line {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  private ailment: Ailment = 'well';
  port = 0;
  /** Connections made while it was ill. */
  tries = 0;

  constructor(private readonly target: number | string) {}

  async open(): Promise<this> {
    const server = createServer((socket) => this.take(socket));
    await new Promise<void>((up) => server.listen(this.port, '127.0.0.1', up));
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    return this;
  }

  async fall(ailment: Ailment): Promise<void> {
    this.ailment = ailment;
    for (const socket of this.sockets) socket.destroy();
    if (ailment === 'refused') await this.shut();
    else if (!this.server) await this.open();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await this.shut();
  }

  private async shut(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server) await new Promise<void>((down) => server.close(() => down()));
  }

  private take(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => this.sockets.delete(socket));
    if (this.ailment !== 'well') this.tries += 1;
    if (this.ailment === 'dripping') this.drip(socket);
    if (this.ailment === 'well') {
      const { target } = this;
      const onward = typeof target === 'string' ? connect(target) : connect(target, '127.0.0.1');
      onward.on('error', () => socket.destroy());
      socket.on('close', () => onward.destroy());
      socket.pipe(onward).pipe(socket);
    }
  }

  private drip(socket: Socket): void {
    socket.on('data', () => undefined);
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 100000\r\n\r\n');
    const timer = setInterval(() => socket.write('<'), 100);
    socket.on('close', () => clearInterval(timer));
  }
}

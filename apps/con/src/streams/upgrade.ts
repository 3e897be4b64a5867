import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { carry } from './session.js';
import type { Tickets } from './tickets.js';

/** Turns `GET /stream/<token>` with an Upgrade into the WebSocket of a session. */
export class Upgrades {
  /** Compression would let the length of a frame tell of its content, and costs memory for each connection. */
  private readonly server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1024 * 1024 });

  constructor(private readonly tickets: Tickets) {}

  answer(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const ticket = this.tickets.redeem(request.url ?? '', 'session');
    if (!ticket) return refuseUpgrade(socket, '404 Not Found');
    this.server.handleUpgrade(request, socket, head, (open) => void carry(open, ticket));
  }

  close(): void {
    for (const socket of this.server.clients) socket.close(1001, 'con is going down');
    this.server.close();
  }

  /** For those who did not leave when asked. */
  terminate(): void {
    for (const socket of this.server.clients) socket.terminate();
  }
}

export function refuseUpgrade(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy()); // it may be gone already
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

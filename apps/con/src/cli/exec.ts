import { StringDecoder } from 'node:string_decoder';
import { webSocketTo, type Endpoint } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import { WebSocket } from 'ws';
import { escaped } from './escape.js';
import type { Command, Room } from './command.js';
import { find } from './find.js';
import type { Output } from './terminal.js';

export const exec: Command = {
  words: 'containers exec',
  short: 'exec',
  method: 'containers.exec',
  args: '<name> <command...>',
  run: async (room, { args: [name = '', ...argv] }) => {
    const { id } = await find(room.con, name);
    const { stream } = await room.con['containers.exec']({ id, argv });
    return carry(room, stream);
  },
};

/** Resolves with the command's exit code. */
function carry({ endpoint, stdin, raw }: Room, path: string): Promise<number> {
  const socket = connect(endpoint, path);
  const [out, err] = [sink(raw.out), sink(raw.err)];
  let exitCode: number | undefined;
  socket.on('open', () => feed(socket, stdin));
  socket.on('message', (data: Buffer, isBinary) => {
    if (!isBinary) exitCode = exitCodeIn(data);
    else if (data[0] === 1) out(data.subarray(1), socket);
    else if (data[0] === 2) err(data.subarray(1), socket);
  });
  return new Promise<number>((resolve, reject) => {
    socket.on('error', (cause) =>
      reject(new Problem('unavailable', `cannot run the command: ${cause.message}`, { cause })),
    );
    socket.on('close', (_, reason) => {
      if (exitCode !== undefined) resolve(exitCode);
      else
        reject(
          new Problem(
            'unavailable',
            reason.toString('utf8') || 'cannot tell how the command ended: the connection was cut',
          ),
        );
    });
  }).finally(() => stdin.destroy()); // else a waiting terminal would keep the process
}

function connect(endpoint: Endpoint, path: string): WebSocket {
  const { address, ...way } = webSocketTo(endpoint, path);
  return new WebSocket(address, { ...way, perMessageDeflate: false, maxPayload: 16 * 1024 * 1024 });
}

function feed(socket: WebSocket, stdin: NodeJS.ReadStream): void {
  stdin.on('data', (chunk: Buffer) => {
    stdin.pause();
    socket.send(chunk, { binary: true }, () => stdin.resume());
  });
  stdin.on('end', () => socket.send(Buffer.alloc(0), { binary: true }));
}

/** Into a pipe the bytes go as they are; on a terminal, what could act on it is escaped. */
function sink(output: Output): (bytes: Buffer, socket: WebSocket) => void {
  const decoder = new StringDecoder('utf8');
  return (bytes, socket) => {
    const text = output.isTTY ? decoder.write(bytes).split('\n').map(escaped).join('\n') : bytes;
    if (output.write(text)) return;
    socket.pause();
    output.once('drain', () => socket.resume());
  };
}

function exitCodeIn(data: Buffer): number | undefined {
  const frame: unknown = JSON.parse(data.toString('utf8'));
  return typeof frame === 'object' && frame && 'exitCode' in frame ? Number(frame.exitCode) : undefined;
}

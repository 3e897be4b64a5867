import type { Readable } from 'node:stream';
import { asProblem } from '@berth/problem';
import type { WebSocket } from 'ws';
import type { ExecSession } from '../host/runtime.js';
import type { Session } from './tickets.js';

/** First byte of a frame to the caller. */
export const frameKinds = { output: 1, errors: 2 } as const;

/** Carries one command over one WebSocket until either ends; see `Streams.session` for the frames. */
export async function carry(socket: WebSocket, { open, timeoutMs }: Session): Promise<void> {
  let exec: ExecSession;
  try {
    exec = open();
  } catch (thrown) {
    const { code, message } = asProblem(thrown);
    socket.close(1011, code === 'internal' ? 'cannot start the command' : shortened(message));
    return;
  }
  const timer = setTimeout(() => exec.kill(), timeoutMs);
  socket.on('close', () => exec.kill());
  socket.on('error', () => socket.terminate()); // a frame out of bounds or a broken line: `close` follows
  feed(socket, exec);
  try {
    const outputs = [forward(socket, exec.output, frameKinds.output), forward(socket, exec.errors, frameKinds.errors)];
    const [exitCode] = await Promise.all([exec.exit, ...outputs]);
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify({ exitCode }));
    socket.close(1000);
  } catch (thrown) {
    exec.kill();
    socket.close(1011, shortened(asProblem(thrown).message));
  } finally {
    clearTimeout(timer);
  }
}

/** The caller's frames to the command's input, no faster than it reads. */
function feed(socket: WebSocket, { input }: ExecSession): void {
  let open = true;
  // A command may end without reading what it is sent; its exit code tells what there is to tell.
  input.on('error', () => (open = false));
  input.on('drain', () => socket.resume());
  socket.on('message', (data: Buffer, isBinary) => {
    if (!isBinary || !open) return;
    if (data.length === 0) {
      open = false;
      input.end();
    } else if (!input.write(data)) socket.pause();
  });
}

/** A command's output to the caller, no faster than it is taken, until the caller is gone. */
async function forward(socket: WebSocket, output: NodeJS.ReadableStream, kind: number): Promise<void> {
  for await (const chunk of output as Readable) {
    if (socket.readyState !== socket.OPEN) return;
    const frame = Buffer.concat([Buffer.of(kind), Buffer.from(chunk as Buffer)]);
    await new Promise<void>((resolve) => socket.send(frame, { binary: true }, () => resolve()));
  }
}

/** A close frame holds 123 bytes of reason (RFC 6455 §5.5). */
function shortened(text: string): string {
  return Buffer.from(text)
    .subarray(0, 120)
    .toString('utf8')
    .replace(/\ufffd$/, '');
}

import { webSocketTo, type Endpoint } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import { WebSocket } from 'ws';

export type Ran = Readonly<{ exitCode: number; output: Buffer }>;

const outputFrame = 1;

/**
 * Runs what `containers.exec` prepared and gathers its output. Frames are described at con's streams.
 * @param most bytes of output; more, or more time, ends it. @throws Problem `unavailable`
 */
export function runStream(endpoint: Endpoint, path: string, bounds: { most: number; timeoutMs: number }): Promise<Ran> {
  const { address, ...way } = webSocketTo(endpoint, path);
  const socket = new WebSocket(address, {
    ...way,
    perMessageDeflate: false,
    maxPayload: 64 * 1024,
    handshakeTimeout: bounds.timeoutMs,
  });
  const deadline = AbortSignal.timeout(bounds.timeoutMs);
  return new Promise<Ran>((done, fail) => {
    const gathered: Buffer[] = [];
    let size = 0;
    const giveUp = (why: string, cause?: unknown): void => {
      socket.terminate();
      fail(
        new Problem('unavailable', `cannot run a command inside the container: ${why}`, {
          cause,
          kind: 'login-unread',
        }),
      );
    };
    deadline.addEventListener('abort', () => giveUp('it took too long'), { once: true });
    socket.on('open', () => socket.send(Buffer.alloc(0), { binary: true })); // an empty frame: no input
    socket.on('error', (cause) => giveUp('the connection failed', cause));
    socket.on('close', () => giveUp('the connection was cut'));
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) {
        if (data[0] !== outputFrame) return;
        gathered.push(data.subarray(1));
        size += data.length - 1;
        if (size > bounds.most) giveUp('it printed too much');
        return;
      }
      const exitCode = exitCodeOf(data);
      if (exitCode === undefined) return giveUp('its end was not understood');
      done({ exitCode, output: Buffer.concat(gathered) });
      socket.close();
    });
  });
}

function exitCodeOf(frame: Buffer): number | undefined {
  const [, digits] = /^\{"exitCode":(-?\d{1,5})\}$/.exec(frame.toString('utf8')) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

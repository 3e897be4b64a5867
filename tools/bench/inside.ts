import { webSocketTo } from '@berth/con-protocol';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import type { WebSocket as Socket } from 'ws';
import type { RunningCon } from '../con-service.ts';
import { root } from '../sources.ts';

const { WebSocket } = createRequire(resolve(root, 'apps/con/package.json'))('ws') as { WebSocket: typeof Socket };

/** Begins a command inside a container and reads nothing of what it says. */
export async function begun(con: RunningCon, id: string, argv: string[], timeoutMs: number): Promise<{ end(): void }> {
  const { stream } = await con.client['containers.exec']({ id, argv, timeoutMs });
  const { address, ...way } = webSocketTo({ socketPath: con.socket }, stream);
  const socket = new WebSocket(address, { ...way, perMessageDeflate: false });
  socket.on('error', () => undefined); // the container that it leads to is killed
  await once(socket, 'open');
  socket.resume();
  return { end: () => socket.terminate() };
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { ConClient, Container } from '@berth/con-protocol';
import { isInTransit, type State } from '@berth/container';
import { Problem } from '@berth/problem';

/** Waits until a container has left its state in transit; con holds each of those to a deadline. @throws Problem unless it is `wanted`. */
export async function settle(con: ConClient, container: Container, wanted: State): Promise<Container> {
  let now = container;
  for (let pauseMs = 20; isInTransit(now.state) || now.again; pauseMs = Math.min(pauseMs * 1.5, 500)) {
    await sleep(pauseMs);
    now = (await con['containers.get']({ id: container.id })).container;
  }
  if (now.state === wanted) return now;
  throw new Problem(
    'conflict',
    `cannot say that ${now.name} is ${wanted}: it is ${now.state}${now.reason ? `: ${now.reason}` : ''}`,
  );
}

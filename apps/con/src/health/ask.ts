import { request } from 'node:http';
import type { Healthcheck } from '@berth/confile';
import type { ContainerRecord } from '../containers/record.js';
import type { Runtime } from '../host/runtime.js';

/** Asks by HTTP at the container's own address, or by a command inside. */
export function asker(
  runtime: Pick<Runtime, 'exec'>,
): (container: ContainerRecord, check: Healthcheck) => Promise<boolean> {
  return (container, check) =>
    check.kind === 'http' ? answersHttp(container, check) : succeeds(runtime, container, check);
}

/** 2xx and 3xx are answers; redirects are not followed, and of the body nothing is read. */
function answersHttp(
  { address, forwards }: ContainerRecord,
  { path, port = forwards[0]?.port, timeoutMs }: Extract<Healthcheck, { kind: 'http' }>,
): Promise<boolean> {
  if (port === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const headers = { Host: address, 'User-Agent': 'berth-healthcheck', Connection: 'close' };
    const asked = request({ host: address, port, path, headers, agent: false, signal }, (answer) => {
      const { statusCode = 500 } = answer;
      asked.destroy();
      resolve(statusCode >= 200 && statusCode < 400);
    });
    asked.on('error', () => resolve(false));
    asked.end();
  });
}

async function succeeds(
  runtime: Pick<Runtime, 'exec'>,
  { slot }: ContainerRecord,
  { argv, timeoutMs }: Extract<Healthcheck, { kind: 'command' }>,
): Promise<boolean> {
  const session = runtime.exec(slot, argv);
  session.input.end();
  for (const output of [session.output, session.errors]) output.resume(); // nobody reads it, and it must not block
  const timer = setTimeout(() => session.kill(), timeoutMs);
  try {
    return (await session.exit) === 0;
  } finally {
    clearTimeout(timer);
  }
}

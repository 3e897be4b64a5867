import { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import { Problem } from '@berth/problem';
import { pinnedAgent, type Endpoint } from './endpoint.js';
import { exchange } from './exchange.js';

/**
 * PUTs bulk bytes to a one-time path that a method answered, such as the context of a build. The bytes must be exactly
 * as many as were announced. @throws Problem with con's own reason.
 */
export async function putStream(
  endpoint: Endpoint,
  path: string,
  bytes: bigint,
  body: Readable,
  { timeoutMs = 600_000 }: { timeoutMs?: number } = {},
): Promise<void> {
  const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': bytes.toString() };
  const bounds = { connectMs: 2_000, timeoutMs, maxBytes: 64 * 1024 };
  const { status, body: answer } = await exchange(
    endpoint,
    pinnedAgent(endpoint, bounds.connectMs, false) ?? new Agent(),
    { method: 'PUT', path, headers, body },
    bounds,
  );
  if (status >= 300)
    throw new Problem('unavailable', answer.toString('utf8').trim() || `cannot upload: HTTP ${status}`);
}

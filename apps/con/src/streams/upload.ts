import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import { asProblem, Problem } from '@berth/problem';
import { faultCodes } from '@berth/con-protocol';
import type { Tickets } from './tickets.js';

/** Time for a PUT: a minute, and a second for each 256 KiB. Slower is somebody who holds the connection for its own sake. */
function deadlineMs(bytes: bigint): number {
  return 60_000 + Number(bytes / 262_144n) * 1_000;
}

/** Answers `PUT /stream/<token>`. Resolves with the Problem it answered, if any. */
export async function answerUpload(
  tickets: Tickets,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Problem | undefined> {
  const problem = await takeUpload(tickets, request).then(() => undefined, asProblem);
  if (!request.complete) response.setHeader('Connection', 'close');
  if (problem) {
    const text =
      problem.code === 'internal' ? 'cannot take the upload: something went wrong inside con' : problem.message;
    response.writeHead(faultCodes[problem.code], { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
  } else {
    response.writeHead(204).end();
  }
  return problem;
}

async function takeUpload(tickets: Tickets, request: IncomingMessage): Promise<void> {
  const announced = request.headers['content-length'];
  const ticket = tickets.redeem(
    request.url ?? '',
    'upload',
    (one) => one.kind === 'upload' && one.bytes.toString() === announced,
  );
  if (!ticket) {
    throw new Problem(
      'not_found',
      'cannot upload here: the path is used or over, or the length is not the one announced',
    );
  }
  const timer = setTimeout(
    () => request.destroy(new Problem('unavailable', 'cannot take the upload: it came too slowly')),
    deadlineMs(ticket.bytes),
  );
  try {
    // An upload that is cut must not look finished, whatever `take` made of the part that came.
    await Promise.all([finished(request, { writable: false }), ticket.take(request)]);
  } catch (cause) {
    request.resume(); // what nobody takes any more must not hold the connection
    if (cause instanceof Problem || request.complete) throw cause;
    throw new Problem('unavailable', 'cannot take the upload: the connection was cut', { cause });
  } finally {
    clearTimeout(timer);
  }
}

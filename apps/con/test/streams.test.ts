import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { putStream } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import { WebSocket } from 'ws';
import type { ExecSession } from '../src/host/runtime.js';
import { Tickets } from '../src/streams/tickets.js';
import { openDoors, token, wire, type Doors } from './doors.js';

describe('streams', () => {
  let doors: Doors;

  beforeAll(async () => {
    doors = await openDoors();
  });
  afterAll(() => doors.close());

  /** An upload path, and what was taken by it. */
  function upload(bytes: bigint) {
    let path = '';
    const taken = new Promise<Buffer>((resolve, reject) => {
      path = doors.tickets.receive(bytes, async (body) => {
        const whole = buffer(body);
        whole.then(resolve, reject);
        await whole;
      });
    });
    taken.catch(() => undefined);
    return { path, taken };
  }

  const put = (path: string, body: string): Promise<Response> =>
    fetch(doors.url + path, { method: 'PUT', body, headers: { Authorization: `Bearer ${token}` } });

  it('takes the bytes that were announced, on both doors', async () => {
    const [one, other] = [upload(5n), upload(5n)];
    await putStream({ url: doors.url, token }, one.path, 5n, Readable.from(['12', '345']));
    await putStream({ socketPath: doors.socketPath }, other.path, 5n, Readable.from(['54321']));
    expect([String(await one.taken), String(await other.taken)]).toEqual(['12345', '54321']);
  });

  it('works once', async () => {
    const { path } = upload(5n);
    expect((await put(path, '12345')).status).toBe(204);
    expect((await put(path, '12345')).status).toBe(404);
  });

  it('refuses another length than announced, and leaves the path to who has the right one', async () => {
    const { path } = upload(5n);
    expect((await put(path, '1234')).status).toBe(404);
    expect((await put(path, '123456')).status).toBe(404);
    expect((await put(path, '12345')).status).toBe(204);
  });

  it('does not read a long body for which it has no path', async () => {
    const { socket, ended } = wire(doors.port);
    socket.write(
      `PUT /stream/${'a'.repeat(43)} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Length: 100000000\r\n\r\nabc`,
    );
    expect(await ended).toMatch(/^HTTP\/1\.1 404 /);
  });

  it('tells who takes it that an upload was cut', async () => {
    const { path, taken } = upload(1_000n);
    const { socket, ended } = wire(doors.port);
    socket.write(
      `PUT ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Length: 1000\r\n\r\nhalf`,
      () => socket.destroy(),
    );
    await ended;
    await expect(taken).rejects.toThrow();
  });

  it('hands back why an upload was not taken', async () => {
    const path = doors.tickets.receive(3n, async (body) => {
      await buffer(body);
      throw new Problem('invalid', 'cannot read the context: it is no tar');
    });
    const sent = putStream({ url: doors.url, token }, path, 3n, Readable.from(['abc']));
    await expect(sent).rejects.toThrow('cannot read the context: it is no tar');
  });

  it('forgets a path after a minute', () => {
    let now = 0;
    const tickets = new Tickets(() => now);
    const [one, other] = [tickets.receive(1n, async () => undefined), tickets.receive(1n, async () => undefined)];
    now = 59_999;
    expect(tickets.redeem(one, 'upload')).toBeDefined();
    now = 60_000;
    expect(tickets.redeem(other, 'upload')).toBeUndefined();
  });

  it('does not hold more than a thousand paths', () => {
    const tickets = new Tickets();
    const more = (): unknown => Array.from({ length: 1_001 }, () => tickets.receive(1n, async () => undefined));
    expect(more).toThrow(expect.objectContaining({ code: 'too_many' }));
  });

  /** A command that a test plays. */
  function play(timeoutMs = 10_000) {
    const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
    let ends: (code: number) => void = () => undefined;
    const exit = new Promise<number>((resolve) => (ends = resolve));
    const end = (code: number): void => {
      output.end();
      errors.end();
      ends(code);
    };
    const kill = (): void => end(137);
    const session: ExecSession = { input, output, errors, exit, kill };
    return { input, output, errors, exit, end, path: doors.tickets.session(() => session, { timeoutMs }) };
  }

  const websocket = (path: string, authorization = `Bearer ${token}`): WebSocket =>
    new WebSocket(`ws://127.0.0.1:${doors.port}${path}`, { headers: { Authorization: authorization } });

  /** All frames until it is closed: `1:text` of binary ones, the text of others, and the code at the end. */
  function frames(socket: WebSocket): Promise<string[]> {
    const seen: string[] = [];
    return new Promise((resolve) => {
      socket.on('message', (data: Buffer, binary) =>
        seen.push(binary ? `${data[0]}:${data.subarray(1)}` : String(data)),
      );
      socket.on('unexpected-response', (_, { statusCode }) => resolve([`HTTP ${statusCode}`]));
      socket.on('close', (code, reason) => resolve([...seen, `${code}${reason}`]));
    });
  }

  it('carries a command: input, output, errors and the exit code last', async () => {
    const command = play();
    const socket = websocket(command.path);
    const all = frames(socket);
    socket.on('open', () => {
      socket.send(Buffer.from('question'));
      socket.send(Buffer.alloc(0));
    });
    expect(String(await buffer(command.input))).toBe('question');
    command.errors.write('hm');
    await new Promise((resolve) => socket.once('message', resolve));
    command.output.write('answer');
    command.end(42);
    expect(await all).toEqual(['2:hm', '1:answer', '{"exitCode":42}', '1000']);
    expect(await frames(websocket(command.path))).toEqual(['HTTP 404']);
  });

  it('kills a command whose caller has gone', async () => {
    const command = play();
    const socket = websocket(command.path);
    socket.on('open', () => socket.terminate());
    expect(await command.exit).toBe(137);
  });

  it('kills a command whose time is over', async () => {
    const command = play(1);
    expect(await frames(websocket(command.path))).toEqual(['{"exitCode":137}', '1000']);
  });

  it('opens no session without the token of the door, and none by a path for uploads', async () => {
    const command = play();
    expect(await frames(websocket(command.path, 'Bearer wrong'))).toEqual(['HTTP 401']);
    expect(await frames(websocket(upload(1n).path))).toEqual(['HTTP 404']);
    expect((await put(command.path, '')).status).toBe(404);
    const all = frames(websocket(command.path));
    command.end(0);
    expect(await all).toContain('{"exitCode":0}');
  });

  it('says why a command could not be started', async () => {
    const path = doors.tickets.session(
      () => {
        throw new Problem('conflict', 'cannot run it: the container is stopped');
      },
      { timeoutMs: 1_000 },
    );
    expect(await frames(websocket(path))).toEqual(['1011cannot run it: the container is stopped']);
  });

  it('does not pile up what a command prints faster than its caller takes it', async () => {
    let printed = 0;
    const output = new Readable({
      read() {
        printed += 65_536;
        this.push(Buffer.alloc(65_536));
      },
    });
    const { exit, end } = play();
    const kill = (): void => {
      output.destroy();
      end(137);
    };
    const session = { input: new PassThrough(), output, errors: Readable.from([]), exit, kill };
    const socket = websocket(doors.tickets.session(() => session as ExecSession, { timeoutMs: 60_000 }));
    await new Promise((resolve) => socket.once('open', resolve));
    socket.pause();
    let before = -1;
    while (before !== printed) {
      before = printed;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(printed).toBeLessThan(32_000_000); // what the kernel holds between both
    socket.terminate();
  });
});

/** Decoding 1,000 structs of 25 fields: ours, npm's `xmlrpc` and, where there is one, Python's. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { decodeAnswer, encodeResult, type Value } from '@berth/xmlrpc';
import { figure, timesOf, type Figure } from './measure.ts';

const runs = 40;
const warmUp = 5;

/** A third whole numbers, a third text, a third booleans. */
const list: Value = Array.from({ length: 1_000 }, (_, row) =>
  Object.fromEntries(Array.from({ length: 25 }, (_, at) => [`field${at}`, fieldOf(row, at)])),
);

function fieldOf(row: number, at: number): Value {
  if (at % 3 === 0) return row * at;
  return at % 3 === 1 ? `container-${row}-${at}` : at % 2 === 0;
}

export async function run(): Promise<readonly Figure[]> {
  const xml = encodeResult(list);
  const bytes = Buffer.from(xml);
  const bounds = { bytes: bytes.length, values: 100_000 };
  const decode = timesOf(runs + warmUp, () => decodeAnswer(bytes, bounds)).slice(warmUp);
  const encode = timesOf(runs + warmUp, () => Buffer.from(encodeResult(list))).slice(warmUp);
  const npm = await npmTimes(bytes);
  const ours = figure('decode 1,000 × 25', decode);
  const theirs = figure('decode by npm xmlrpc', npm);
  // Each pair was measured in the same run; a ratio of medians does not follow the machine's mood.
  return [
    ours,
    figure('encode 1,000 × 25', encode),
    theirs,
    ...pythonFigure(xml),
    {
      ...figure('decode against npm xmlrpc', decode, { unit: 'times', aim: 4 }),
      median: theirs.median / ours.median,
      p95: theirs.p95 / ours.p95,
      p99: theirs.p99 / ours.p99,
    },
  ];
}

type Deserializer = new () => {
  deserializeMethodResponse(stream: Readable, done: (error: Error | null, value: unknown) => void): void;
};

async function npmTimes(bytes: Buffer): Promise<number[]> {
  const Peer = createRequire(import.meta.url)('xmlrpc/lib/deserializer.js') as Deserializer;
  const times: number[] = [];
  for (let at = 0; at < runs + warmUp; at++) {
    const started = performance.now();
    await new Promise<void>((resolve, reject) => {
      new Peer().deserializeMethodResponse(Readable.from([bytes]), (error) => (error ? reject(error) : resolve()));
    });
    times.push(performance.now() - started);
  }
  return times.slice(warmUp);
}

const script = `
import json, sys, time, xmlrpc.client
text = sys.stdin.buffer.read()
times = []
for _ in range(10):
    started = time.perf_counter()
    xmlrpc.client.loads(text)
    times.append((time.perf_counter() - started) * 1000)
print(json.dumps(times))
`;

/** A machine without Python has one figure fewer. */
function pythonFigure(xml: string): Figure[] {
  const { status, stdout } = spawnSync('python3', ['-c', script], { input: xml, encoding: 'utf8' });
  return status === 0 ? [figure('decode by Python xmlrpc.client', JSON.parse(stdout) as number[])] : [];
}

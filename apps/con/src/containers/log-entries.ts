import type { LogEntry } from '@berth/con-protocol';
import { z } from 'zod';

/** One line of `journalctl --output=json`; a field that is no text is an array of bytes, one too long is null. */
const text = z.union([z.string(), z.array(z.number().int().min(0).max(255)), z.null()]);
const Line = z.object({
  __CURSOR: z.string().max(500),
  __REALTIME_TIMESTAMP: z.string().regex(/^\d{1,18}$/),
  MESSAGE: text.optional(),
  PRIORITY: z.string().optional(),
  SYSLOG_IDENTIFIER: text.optional(),
  _COMM: text.optional(),
});

export type Read = Readonly<{ entries: LogEntry[]; next?: string }>;

/**
 * What the journal said, as far as whole lines of it came. Root inside writes the journal, and may have put anything in
 * the place of who reads it: what cannot be read is passed over.
 */
export function readEntries(output: string): Read {
  const entries: LogEntry[] = [];
  let next: string | undefined;
  for (const line of output.split('\n').slice(0, -1)) {
    const read = Line.safeParse(parsed(line));
    if (!read.success) continue;
    const { __CURSOR, __REALTIME_TIMESTAMP, MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, _COMM } = read.data;
    const at = new Date(Number(BigInt(__REALTIME_TIMESTAMP) / 1000n));
    if (!isCursor(__CURSOR) || Number.isNaN(at.getTime())) continue;
    next = __CURSOR;
    entries.push({
      at: at.toISOString(),
      source: said(SYSLOG_IDENTIFIER ?? _COMM ?? null, '').slice(0, 200),
      ...(/^[0-7]$/.test(PRIORITY ?? '') ? { priority: Number(PRIORITY) } : {}),
      text: said(MESSAGE ?? null, '(more than can be shown)'),
    });
  }
  return { entries, ...(next === undefined ? {} : { next }) };
}

/** As journald writes them: `s=…;i=…;b=…;m=…;t=…;x=…`. */
export function isCursor(text: string): boolean {
  return /^[a-z]=[0-9a-f]+(;[a-z]=[0-9a-f]+){1,9}$/.test(text) && text.length <= 300;
}

function said(value: z.output<typeof text>, absent: string): string {
  const plain = value === null ? absent : typeof value === 'string' ? value : Buffer.from(value).toString('utf8');
  return Buffer.from(plain).toString('utf8'); // lone surrogates are no text
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

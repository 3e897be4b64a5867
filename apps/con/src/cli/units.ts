import { Problem } from '@berth/problem';

const powers: Readonly<Record<string, bigint>> = { '': 1n, k: 1024n, m: 1024n ** 2n, g: 1024n ** 3n, t: 1024n ** 4n };

/** `512MiB`, `2G` or plain bytes; a unit is always a power of 1,024. @throws Problem `invalid` */
export function readBytes(text: string): bigint {
  const match = /^(\d{1,15})\s*([kmgt]?)(i?b)?$/i.exec(text);
  const power = powers[match?.[2]?.toLowerCase() ?? ''];
  if (!match?.[1] || power === undefined) {
    throw new Problem('invalid', `cannot read ${JSON.stringify(text)} as a size: write it like 512MiB or 2GiB`);
  }
  return BigInt(match[1]) * power;
}

/** Cores, like `1.5`, as thousandths. @throws Problem `invalid` */
export function readCores(text: string): number {
  const match = /^(\d{1,4})(?:\.(\d{1,3}))?$/.exec(text);
  if (!match) throw new Problem('invalid', `cannot read ${JSON.stringify(text)} as cores: write it like 2 or 1.5`);
  return Number(match[1]) * 1_000 + Number((match[2] ?? '').padEnd(3, '0'));
}

/** A whole number. @throws Problem `invalid` */
export function readWhole(text: string, what: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Problem('invalid', `cannot read ${JSON.stringify(text)} as ${what}: it must be a whole number`);
}

/** A place in the journal, which passes 2³¹. @throws Problem `invalid` */
export function readCursor(text: string): bigint {
  if (/^\d{1,18}$/.test(text)) return BigInt(text);
  throw new Problem('invalid', `cannot read ${JSON.stringify(text)} as a cursor: it must be a whole number`);
}

/** `name:version`. @throws Problem `invalid` */
export function readTemplateKey(text: string): { name: string; version: string } {
  const at = text.indexOf(':');
  const [name, version] = [text.slice(0, at), text.slice(at + 1)];
  if (at > 0 && version !== '') return { name, version };
  throw new Problem('invalid', `cannot read ${JSON.stringify(text)} as a template: write it like django:4.2`);
}

/** For people: three digits at most and a unit. */
export function shownBytes(bytes: bigint): string {
  let value = Number(bytes);
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (value < 999.5) return `${value < 9.95 && unit !== 'B' ? value.toFixed(1) : Math.round(value)} ${unit}`;
    value /= 1_024;
  }
  return `${value.toFixed(1)} TiB`;
}

/** For people: `12 ms`, then `3.4 s`. */
export function shownTime(milliseconds: number): string {
  return milliseconds < 1_000 ? `${milliseconds} ms` : `${(milliseconds / 1_000).toFixed(1)} s`;
}

import type { Template } from '@berth/con-protocol';
import type { App, Size } from '@berth/site-api';
import { quote } from '../pricing/quote.js';
import type { Tariff } from '../pricing/tariff.js';
import type { Vat } from '../pricing/vat.js';
import { iconOf, memoryOf, sentencesOf, titleOf } from './labels.js';

/** Each size with the price that is shown before anything is turned on. */
export function sizesOf(tariff: Tariff, vat: Vat): Size[] {
  return tariff.sizes.map((size) => {
    const { id, memoryBytes, cpuMillis, pids } = size;
    return { id, memoryBytes, cpuMillis, pids, ...quote(tariff, size, vat) };
  });
}

/** Templates of one name are versions of one app, newest version first; the newest tells title and sentence. */
export function appsOf(templates: Iterable<Template>, sizes: readonly Size[]): App[] {
  const byName = new Map<string, Template[]>();
  for (const template of templates) byName.set(template.name, [...(byName.get(template.name) ?? []), template]);
  return [...byName.values()]
    .map((versions) => appOf([...versions].sort((a, b) => byVersion(b.version, a.version)), sizes))
    .sort((a, b) => a.title.localeCompare(b.title, 'en'));
}

function appOf(versions: readonly Template[], sizes: readonly Size[]): App {
  const [newest] = versions as [Template, ...Template[]];
  const icon = iconOf(newest);
  return {
    name: newest.name,
    title: titleOf(newest),
    sentence: sentencesOf(newest),
    ...(icon === undefined ? {} : { icon }),
    versions: versions.map(({ version }) => version),
    suggestedSize: smallestFor(memoryOf(newest), sizes),
  };
}

function smallestFor(memoryBytes: bigint, sizes: readonly Size[]): string {
  const ordered = [...sizes].sort((a, b) => (a.memoryBytes < b.memoryBytes ? -1 : 1));
  return (ordered.find((size) => size.memoryBytes >= memoryBytes) ?? ordered.at(-1))?.id ?? '';
}

const numeric = new Intl.Collator('en', { numeric: true });

function byVersion(a: string, b: string): number {
  return numeric.compare(a, b);
}

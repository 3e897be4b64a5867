import { Problem } from '@berth/problem';

/** Where a suite's packages come from. */
export type Mirror = Readonly<{ main: string; security?: string }>;

/** One line, or one stanza's worth, of apt's sources. */
export type Source = Readonly<{ uri: string; suite: string; components: readonly string[] }>;

/** Suites that only Debian has: other distributions' sources lie in the same files. */
const debian = /^(bullseye|bookworm|trixie|forky|sid|oldstable|stable|testing|unstable)(-security)?$/;

/**
 * The mirror to take Debian from: the configured one, else the first of the host's own apt sources that is Debian's.
 * The security archive is the host's, else the one that by custom lies beside the mirror.
 * @throws Problem `unavailable` where the host has no Debian source, and none is configured.
 */
export function mirrorOf(configured: string | undefined, sources: readonly Source[]): Mirror {
  const ours = sources.filter(({ suite, components }) => debian.test(suite) && components.includes('main'));
  const isSecurity = ({ suite }: Source): boolean => suite.endsWith('-security');
  const main = trimmed(configured ?? ours.find((source) => !isSecurity(source))?.uri ?? '');
  if (main === '') {
    throw new Problem(
      'unavailable',
      'cannot make a base: this host has no Debian mirror in its apt sources; set `mirror` in the configuration of con',
    );
  }
  const known = configured === undefined ? ours.find(isSecurity)?.uri : undefined;
  const beside = main.endsWith('/debian') ? `${main}-security` : undefined;
  const security = known === undefined ? beside : trimmed(known);
  return security === undefined ? { main } : { main, security };
}

/** Reads apt's one-line format (sources.list(5)). */
export function oneLineSources(text: string): Source[] {
  return text.split('\n').flatMap((line): Source[] => {
    const found = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    if (!found) return [];
    const [, uri = '', suite = '', components = ''] = found;
    return isWeb(uri) ? [{ uri, suite, components: words(components) }] : [];
  });
}

/** Reads apt's deb822 format (sources.list(5)): stanzas of fields, a field may go on in indented lines. */
export function stanzaSources(text: string): Source[] {
  const stanzas = text.replace(/^#.*\n?/gm, '').split(/\n\s*\n/);
  return stanzas.flatMap((stanza) => {
    const fields = new Map<string, string>();
    for (const [, key = '', value = ''] of stanza.matchAll(/^([A-Za-z-]+):((?:.*)(?:\n[ \t]+.*)*)/gm)) {
      fields.set(key.toLowerCase(), value);
    }
    const field = (key: string): string[] => words(fields.get(key) ?? '');
    if (!field('types').includes('deb') || field('enabled').includes('no')) return [];
    const uris = field('uris').filter(isWeb);
    return uris.flatMap((uri) => field('suites').map((suite) => ({ uri, suite, components: field('components') })));
  });
}

function isWeb(uri: string): boolean {
  return /^https?:\/\/[\w.:[\]-]+(\/[\w.~%+/-]*)?$/.test(uri);
}

function trimmed(uri: string): string {
  return uri.replace(/\/+$/, '');
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

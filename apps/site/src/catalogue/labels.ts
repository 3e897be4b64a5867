import type { Template } from '@berth/con-protocol';

type Labelled = Pick<Template, 'name' | 'version' | 'labels'>;

/** The app's title; versions of one app share it, so a version at its end is left out. */
export function titleOf({ name, version, labels }: Labelled): string {
  const title = labels['berth.title'] ?? name;
  return title.endsWith(` ${version}`) ? title.slice(0, -version.length - 1) : title;
}

/** Whether its first boot writes a login to `/var/lib/berth/login`. */
export function offersLogin({ labels }: Labelled): boolean {
  return ['1', 'true', 'yes'].includes(labels['berth.login'] ?? '');
}

export function sentencesOf({ labels }: Labelled): { en: string; de: string } {
  const en = labels['berth.sentence.en'] ?? '';
  return { en, de: labels['berth.sentence.de'] ?? en };
}

/** Only an SVG as a data URL: an icon is never fetched from elsewhere. */
export function iconOf({ labels }: Labelled): string | undefined {
  const icon = labels['berth.icon'];
  return icon?.startsWith('data:image/svg+xml') && icon.length <= 65_536 ? icon : undefined;
}

const units: Readonly<Record<string, bigint>> = { '': 1n, KiB: 1024n, MiB: 1024n ** 2n, GiB: 1024n ** 3n };

/** `128MiB`, or plain bytes; 0 where a template does not say. */
export function memoryOf({ labels }: Labelled): bigint {
  const [, digits, unit = ''] = /^(\d{1,15}) ?([KMG]iB)?$/.exec(labels['berth.memory'] ?? '') ?? [];
  return digits === undefined ? 0n : BigInt(digits) * (units[unit] ?? 1n);
}

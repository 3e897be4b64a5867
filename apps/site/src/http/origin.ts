import { parse } from 'tldts';

export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * What two hosts have in common that browsers share cookies by: the host itself (cookies ignore ports) or the registrable
 * domain (a cookie may be set for all of it). `undefined` where they have nothing. Names that end in no public suffix,
 * such as `panel.internal`, are compared by their last two labels, which errs towards refusing.
 */
export function sharedDomain(one: string, other: string): string | undefined {
  const [a, b] = [domainOf(one), domainOf(other)];
  return a === b ? a : undefined;
}

function domainOf(hostname: string): string {
  const host = hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  const { isIp, domain } = parse(host, { allowPrivateDomains: true });
  return isIp ? host : (domain ?? host.split('.').slice(-2).join('.'));
}

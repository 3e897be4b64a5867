/** An IPv6 address as a number, without a zone or an IPv4 tail. */
export function number6(address: string): bigint {
  const [before = '', after] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const missing = 8 - groups(before).length - groups(after ?? '').length;
  const zeros = Array<string>(after === undefined ? 0 : missing).fill('0');
  const all = [...groups(before), ...zeros, ...groups(after ?? '')];
  return all.reduce((number, group) => (number << 16n) + BigInt(`0x${group}`), 0n);
}

/** As RFC 5952 has it, which is how the kernel's tools print it. */
export function text6(number: bigint): string {
  const groups = Array.from({ length: 8 }, (_, at) => ((number >> BigInt(112 - 16 * at)) & 0xffffn).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

/** 128 random bits. `randomUUID` is missing where the page is served without TLS under another name than localhost. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Text that a person typed, fit for paper: one line, without control characters, without marks that turn the reading
 * direction or hide letters, without halves of characters. Format characters (Cf) hold all of these marks.
 */
export function plain(text: string, most = 200): string {
  const clean = text
    .replace(/[\s\u2028\u2029]+/gu, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\ufffd]/gu, '')
    .normalize('NFC')
    .trim();
  return clean.length > most ? `${[...clean].slice(0, most - 1).join('')}…` : clean;
}

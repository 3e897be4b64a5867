export type LineFault = 'empty' | 'long' | 'unreadable';

/** The longest name of a person, in UTF-16 units. */
export const longestName = 200;
/** The longest reference of a payment, in UTF-16 units. */
export const longestReference = 100;

// Of the marks that nobody sees (Unicode's Cf) two join letters in some languages; the rest reorder or hide what is printed.
const plain = /^(?:[\u200c\u200d]|[^\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029])*$/u;

/**
 * What is wrong with one line for people to read: it holds a letter or a digit, and no control characters, half
 * characters or marks that turn the direction of what follows.
 */
export function lineFault(text: string, most: number): LineFault | undefined {
  const line = text.trim();
  if (line === '') return 'empty';
  if (line.length > most) return 'long';
  return plain.test(line) && /[\p{L}\p{N}]/u.test(line) ? undefined : 'unreadable';
}

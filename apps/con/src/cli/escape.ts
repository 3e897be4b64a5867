/**
 * What can act on a terminal or turn the order of what is read: control characters, format characters (the
 * right-to-left marks among them), lone surrogates, line and paragraph separators.
 */
const acting = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A line of text that is safe on a terminal; a tab is kept. */
export function escaped(text: string): string {
  return text.replace(acting, (c) => (c === '\t' ? c : inWriting(c)));
}

/** JSON stays JSON: outside its strings only newlines and spaces stand, and in them the escapes are its own. */
export function escapedJson(json: string): string {
  return json.replace(acting, (c) => (c === '\n' ? c : inWriting(c)));
}

/** `\u202e`, and two of them for what lies beyond the first plane: JSON knows no other way. */
function inWriting(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');
}

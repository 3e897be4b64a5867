/**
 * Whether a path fits a pattern in which `*` and `?` stand for letters within one name. Never slower than the product of
 * both lengths: a pattern is a stranger's, and a regular expression made of it could be made to take for ever.
 */
export function fits(path: string, pattern: string): boolean {
  const [names, patterns] = [path.split('/'), pattern.split('/')];
  return names.length === patterns.length && names.every((name, at) => fitsName(name, patterns[at] ?? ''));
}

/** Only the last star is ever gone back to: what an earlier one took can stay as it is. */
function fitsName(name: string, pattern: string): boolean {
  let at = 0;
  let next = 0;
  let star: { next: number; at: number } | undefined;
  while (at < name.length) {
    if (pattern[next] === '*') {
      star = { next, at };
      next += 1;
    } else if (pattern[next] === '?' || pattern[next] === name[at]) {
      at += 1;
      next += 1;
    } else if (star) {
      star.at += 1;
      at = star.at;
      next = star.next + 1;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(next));
}

/** Of the options that stand before a command's name, those that are followed by a value. */
const withValue: ReadonlySet<string> = new Set(['--socket', '--url', '--token-file']);

/**
 * Sets what is to be run in a container apart from con's own words, by the `--` that a person need not type:
 * `con exec blog ls -l` is `con exec blog -- ls -l`. Every other command line stays as it is.
 */
export function commandApart(argv: readonly string[]): string[] {
  const words: number[] = [];
  for (let at = 0; at < argv.length && words.length < 4; at++) {
    const word = argv[at] ?? '';
    if (word === '--') break;
    if (!word.startsWith('-')) words.push(at);
    else if (withValue.has(word)) at++;
  }
  const said = words.map((at) => argv[at]);
  const name = said[0] === 'exec' ? words[1] : said[0] === 'containers' && said[1] === 'exec' ? words[2] : undefined;
  if (name === undefined || argv[name + 1] === '--') return [...argv];
  return [...argv.slice(0, name + 1), '--', ...argv.slice(name + 1)];
}

const adjectives =
  'amber bold brave bright brisk calm clear clever cosy crisp eager early fair fine fresh gentle glad golden happy keen kind light lively lucky mellow merry mild neat noble proud quick quiet ready silver smart smooth snug spry steady sunny swift tidy vivid warm wise witty young'.split(
    ' ',
  );

/** `calm-nginx`: a good name that is not taken; a number is added once every word is. `start` decides where to begin. */
export function suggestName(app: string, taken: ReadonlySet<string>, start: number): string {
  const word = app.slice(0, 40);
  for (let round = 1; ; round++) {
    for (let at = 0; at < adjectives.length; at++) {
      const adjective = adjectives[(start + at) % adjectives.length];
      const name = round === 1 ? `${adjective}-${word}` : `${adjective}-${word}-${round}`;
      if (!taken.has(name)) return name;
    }
  }
}

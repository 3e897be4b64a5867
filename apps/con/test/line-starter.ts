import { readConfig } from '../src/config.js';
import { Cgroups } from '../src/host/linux/cgroups.js';
import { Lines } from '../src/host/linux/line.js';

/** A daemon in the middle of a line, for a test to kill: flags of the configuration, the root of layer 4, as JSON. */
const [flags = '{}', root = ''] = process.argv.slice(2);
const config = readConfig(JSON.parse(flags) as Record<string, string>, {});

await new Lines(config, new Cgroups(config)).line({
  layer: 4,
  root,
  argv: ['/bin/sh', '-c', 'sleep 10000 & echo started; wait'],
  workdir: '/',
  environment: {},
  network: true,
  log: (chunk) => process.stdout.write(chunk),
  signal: new AbortController().signal,
});

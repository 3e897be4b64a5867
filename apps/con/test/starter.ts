import { readConfig } from '../src/config.js';
import { Cgroups } from '../src/host/linux/cgroups.js';
import { OverlayLayers } from '../src/host/linux/layers.js';
import { Lines } from '../src/host/linux/line.js';

/** A daemon in the middle of its work, for a test to kill. Its words: flags of the configuration as JSON, `line` and a root, or `base`. */
const [flags = '{}', work = '', root = ''] = process.argv.slice(2);
const config = readConfig(JSON.parse(flags) as Record<string, string>, {});
const lines = new Lines(config, new Cgroups(config));
const io = { log: (chunk: Buffer) => process.stdout.write(chunk), signal: new AbortController().signal };

if (work === 'base') await new OverlayLayers(config, lines).base(4, 'bookworm', io);
else {
  const argv = ['/bin/sh', '-c', 'sleep 10000 & until grep -q sleep /proc/$!/comm; do :; done; echo started; wait'];
  await lines.line({ layer: 4, root, argv, workdir: '/', environment: {}, network: true, ...io });
}

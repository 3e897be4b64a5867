#!/usr/bin/env node
import { nodeFault } from './node-version.js';

// Everything else is imported only once this Node is known to be able to.
const fault = nodeFault(process.versions.node);
if (fault === undefined) {
  const { enter } = await import('./enter.js');
  process.exitCode = await enter(process.argv.slice(2));
} else {
  process.stderr.write(`${fault}\n`);
  process.exitCode = 69;
}

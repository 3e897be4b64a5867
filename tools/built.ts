/**
 * Loaded before every command but `test`: the commands use the libraries as they are built, and in a fresh clone nothing
 * is built yet.
 */
import { buildServers } from './build.ts';

await buildServers(console.log);

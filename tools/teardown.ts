/** `npm run teardown`: takes back every change that `npm start` made to this host, containers and data included. */
import { existsSync } from 'node:fs';
import { driverHere } from './driver.ts';
import { installation } from './installation.ts';
import { takeBack } from './take-back.ts';

const say = (line: string): void => console.log(line);
const here = installation((await driverHere()).driver);

if (!existsSync(here.state)) {
  say(`Nothing to take back: ${here.state} is not there.`);
  process.exit(0);
}
try {
  await takeBack(here, say);
  say('This host is as it was.');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

/** `npm run teardown`: takes back every change that `npm start` and `npm run dev` made to this host, containers and data included. */
import { existsSync } from 'node:fs';
import { driverHere } from './driver.ts';
import { development, installation } from './installation.ts';
import { takeBack } from './take-back.ts';

const say = (line: string): void => console.log(line);
const { driver } = await driverHere();
const made = [development(driver), installation(driver)].filter(({ state }) => existsSync(state));

if (made.length === 0) {
  say(`Nothing to take back: ${installation(driver).state} is not there.`);
  process.exit(0);
}
try {
  for (const here of made) await takeBack(here, say);
  say('This host is as it was.');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

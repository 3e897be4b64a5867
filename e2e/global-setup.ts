import { startStack } from './stack.ts';

/**
 * One stack for all browser tests; what they need to know of it travels in the environment, as Playwright wants it. Who
 * writes tests keeps one up and gives its facts in BERTH_E2E.
 */
export default async function globalSetup(): Promise<() => Promise<void>> {
  if (process.env['BERTH_E2E']) return () => Promise.resolve();
  const stack = await startStack(console.log);
  process.env['BERTH_E2E'] = JSON.stringify(stack.facts);
  return () => stack.stop();
}

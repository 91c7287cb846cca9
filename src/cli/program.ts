import { Command } from 'commander';
import { packageVersion } from '../base/package-files.js';
import { findPlaces } from '../base/paths.js';
import { openWorkspace } from '../env/workspace.js';
import { addEnvironmentCommands } from './grammar/environments.js';
import { addMountCommands } from './grammar/mounts.js';
import { addPackageCommands } from './grammar/packages.js';
import type { Act, Action } from './grammar/shared.js';
import { addStoreCommands } from './grammar/store.js';
import { makeProgress } from './progress-bar.js';
import { writeReport } from './render.js';

/** The command line. Every command returns data; writing it is render.ts's. */
export function makeProgram(signal: AbortSignal): Command {
  const program = new Command('shenv-fs')
    .description('Python environments composed on the fly from a shared store, shown by a FUSE mount')
    .version(packageVersion())
    .exitOverride()
    .configureHelp({ sortSubcommands: false })
    .addHelpText('after', overview);
  const act: Act =
    <A extends unknown[]>(load: () => Promise<Action<A>>) =>
    async (...args: unknown[]) => {
      const command = args.at(-1) as Command;
      const workspace = openWorkspace(findPlaces(), makeProgress(), signal);
      const action = await load();
      const report = await action(workspace, ...(args.slice(0, -1) as A));
      writeReport(report, command.opts<{ json?: boolean }>().json === true);
      if (report.exitStatus !== undefined) process.exitCode = report.exitStatus;
    };
  addEnvironmentCommands(program, act);
  addPackageCommands(program, act);
  addMountCommands(program, act);
  addStoreCommands(program, act);
  return program;
}

const overview = `
Examples:
  $ shenv-fs create demo numpy requests     make an environment from wheels
  $ shenv-fs mount                          show all environments at ~/.venvs
  $ ~/.venvs/demo/bin/python                run it
  $ source ~/.venvs/demo/bin/activate       or work in it

Places (environment variables):
  SHENV_HOME     environments   (default: shenv-fs in the XDG data folder)
  SHENV_STORE    images         (default: store in SHENV_HOME)
  SHENV_RUNTIME  control sockets and logs of mounts (default: the XDG runtime folder)`;

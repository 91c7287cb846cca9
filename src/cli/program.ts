import { createRequire } from 'node:module';
import { Command, Option } from 'commander';
import { findPlaces } from '../base/paths.js';
import { openWorkspace, type Workspace } from '../env/workspace.js';
import { makeProgress } from './progress-bar.js';
import { type Report, writeReport } from './render.js';

const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string };

/** A command's work; the module that does it is loaded only when it runs. */
type Action<A extends unknown[]> = (workspace: Workspace, ...args: A) => Promise<Report>;

/** The command line. Every command returns data; writing it is render.ts's. */
export function makeProgram(signal: AbortSignal): Command {
  const program = new Command('shenv-fs')
    .description('Python environments composed on the fly from a shared store, shown by a FUSE mount')
    .version(version)
    .exitOverride()
    .configureHelp({ sortSubcommands: false })
    .addHelpText('after', overview);
  const act =
    <A extends unknown[]>(load: () => Promise<Action<A>>) =>
    async (...args: unknown[]) => {
      const command = args.at(-1) as Command;
      const workspace = openWorkspace(findPlaces(), makeProgress(), signal);
      const action = await load();
      const report = await action(workspace, ...(args.slice(0, -1) as A));
      writeReport(report, command.opts<{ json?: boolean }>().json === true);
    };
  addEnvironmentCommands(program, act);
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

type Act = <A extends unknown[]>(load: () => Promise<Action<A>>) => (...args: unknown[]) => Promise<void>;

function json(): Option {
  return new Option('--json', 'print JSON');
}

function collect(value: string, earlier: string[]): string[] {
  return [...earlier, value];
}

function addEnvironmentCommands(program: Command, act: Act): void {
  program
    .command('create')
    .argument('<name>', 'name of the environment: a folder of the mount')
    .argument('[requirements...]', 'what to install, as pip takes it: numpy, "django>=5", ./my.whl')
    .description('make an environment')
    .option('-p, --python <python>', 'interpreter: a version (3.11), a path or a program name')
    .option('-r, --requirement <file>', 'requirements file (repeatable)', collect, [])
    .option('-c, --constraint <file>', 'constraints file (repeatable)', collect, [])
    .option('-i, --index-url <url>', "index to use instead of pip's configured one")
    .option('--extra-index-url <url>', 'further index (repeatable)', collect, [])
    .option('-f, --find-links <place>', 'folder or page with wheels (repeatable)', collect, [])
    .option('--no-index', 'use no index, only --find-links')
    .option('--pre', 'allow pre-releases')
    .option('--without-pip', 'leave pip out')
    .option('--no-bytecode', 'show no __pycache__ (imports compile anew each time)')
    .option('--system-site-packages', "show the interpreter's own packages too")
    .addOption(json())
    .addHelpText('after', '\nExample:\n  $ shenv-fs create web --python 3.12 -r requirements.txt')
    .action(act(async () => (await import('./commands/create.js')).create));
  program
    .command('delete')
    .alias('remove-environment')
    .argument('<names...>', 'environments')
    .description('remove environments; the images stay in the store')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  $ shenv-fs delete web')
    .action(act(async () => (await import('./commands/environments.js')).deleteEnvironments));
  program
    .command('list')
    .description('list environments')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  $ shenv-fs list --json')
    .action(act(async () => (await import('./commands/environments.js')).listEnvironments));
  program
    .command('show')
    .argument('<name>', 'environment')
    .description('show what an environment consists of')
    .option('--dump', 'print the manifest in its text form')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  $ shenv-fs show web')
    .action(act(async () => (await import('./commands/environments.js')).showEnvironment));
  program
    .command('python')
    .description('list the interpreters that environments can be made of')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  $ shenv-fs python')
    .action(act(async () => (await import('./commands/python.js')).listPythons));
}

function addMountCommands(program: Command, act: Act): void {
  program
    .command('mount')
    .argument('[mountpoint]', 'an empty folder (default: ~/.venvs)')
    .description('show all environments at a mount point')
    .addOption(
      new Option('--engine <engine>', 'what answers the kernel')
        .choices(['auto', 'kernel', 'fuse-native'])
        .default('auto'),
    )
    .option('--foreground', 'stay in the foreground until unmounted')
    .option('--allow-other', 'let other users in (needs user_allow_other in /etc/fuse.conf)')
    .option('--threads <count>', 'threads of the kernel engine')
    .addOption(
      new Option('--du <how>', 'what du counts for shared files')
        .choices(['shared', 'full'])
        .default('shared'),
    )
    .addOption(json())
    .addHelpText('after', '\nExample:\n  $ shenv-fs mount\n  $ shenv-fs mount /srv/venvs --foreground')
    .action(act(async () => (await import('./commands/mount.js')).mount));
  program
    .command('unmount')
    .alias('umount')
    .argument('[mountpoint]', 'default: ~/.venvs')
    .description('take a mount away')
    .option('--lazy', 'detach now, end when its last user has left')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  $ shenv-fs unmount')
    .action(act(async () => (await import('./commands/mount.js')).unmount));
  program
    .command('status')
    .argument('[mountpoint]', 'one mount (default: all of this user)')
    .description('show running mounts, their engines and counters')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  $ shenv-fs status --json')
    .action(act(async () => (await import('./commands/mount.js')).status));
}

function addStoreCommands(program: Command, act: Act): void {
  const store = program.command('store').description('look after the store of images');
  store
    .command('add')
    .argument('<wheels...>', 'wheel files')
    .description('add wheel files to the store')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  $ shenv-fs store add dist/*.whl')
    .action(act(async () => (await import('./commands/store.js')).addWheels));
  store
    .command('list')
    .argument('[name]', 'one distribution')
    .description('list images')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  $ shenv-fs store list numpy')
    .action(act(async () => (await import('./commands/store.js')).listImages));
  store
    .command('dump')
    .argument('<image>', 'path of an image file')
    .description('print an image in its text form')
    .addHelpText(
      'after',
      '\nExample:\n  $ shenv-fs store dump $(shenv-fs store list numpy --json | jq -r .[0].path)',
    )
    .action(act(async () => (await import('./commands/store.js')).dump));
}

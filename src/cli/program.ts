import { setTimeout } from 'node:timers/promises';
import { Command } from 'commander';
import { ShenvError } from '../base/errors.js';
import { packageVersion } from '../base/package-files.js';
import { findPlaces } from '../base/paths.js';
import { endInterruptedChanges } from '../env/joint-change.js';
import { openWorkspace } from '../env/workspace.js';
import { explainRefusal } from './foreign-home.js';
import { addEnvironmentCommands } from './grammar/environments.js';
import { addFleetCommands } from './grammar/fleet.js';
import { addGenerationCommands } from './grammar/generations.js';
import { addMountCommands } from './grammar/mounts.js';
import { addObservingCommands } from './grammar/observing.js';
import { addPackageCommands } from './grammar/packages.js';
import { addRepairCommands } from './grammar/repair.js';
import type { Act, Action, Look, Looking } from './grammar/shared.js';
import { addShellCommands } from './grammar/shells.js';
import { addStoreCommands } from './grammar/store.js';
import { addTransferCommands } from './grammar/transfer.js';
import { addWritableCommands } from './grammar/writable.js';
import { makeProgress } from './progress-bar.js';
import { type Report, writeError, writeReport } from './render.js';

const signalGraceMs = 20;

/** The groups of commands in the order of the help, with names and aliases for which no other group is needed. */
const groups: readonly { names: readonly string[]; add(program: Command, act: Act, look: Look): void }[] = [
  {
    names: ['create', 'delete', 'remove-environment', 'list', 'show', 'python'],
    add: addEnvironmentCommands,
  },
  {
    names: [
      ...['install', 'remove', 'uninstall', 'sync', 'upgrade'],
      ...['lock', 'freeze', 'check', 'tree', 'outdated'],
    ],
    add: addPackageCommands,
  },
  { names: ['clone', 'rename', 'history', 'diff', 'seal', 'unseal', 'rollback'], add: addGenerationCommands },
  { names: ['who-uses', 'hold', 'unhold'], add: addFleetCommands },
  { names: ['repair'], add: addRepairCommands },
  {
    names: ['mount', 'unmount', 'umount', 'restart', 'reload', 'status', 'export-nfs'],
    add: addMountCommands,
  },
  {
    names: ['doctor', 'log', 'metrics'],
    add: (program, _, look) => addObservingCommands(program, look),
  },
  { names: ['store'], add: addStoreCommands },
  // The script that `completion` prints is of all.
  { names: ['run', 'shell'], add: addShellCommands },
  { names: ['export', 'import', 'pack', 'unpack'], add: addTransferCommands },
  { names: ['adopt', 'revert'], add: addWritableCommands },
];

/**
 * The command line. Every command returns data; writing it, or the error that it ended with, is
 * render.ts's. A wrong use throws CommanderError, with nothing written yet. With `command`, the first word, only its
 * group need be there.
 */
export function makeProgram(signal: AbortSignal, command?: string): Command {
  const program = new Command('shenv-fs')
    .description('Python environments composed on the fly from a shared store, shown by a FUSE mount')
    .version(packageVersion())
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ sortSubcommands: false })
    .addHelpText('after', overview);
  const act: Act =
    <A extends unknown[]>(load: () => Promise<Action<A>>) =>
    (...args: unknown[]) =>
      perform(args, signal, async () => {
        const workspace = openWorkspace(findPlaces(), makeProgress(), signal);
        await endInterruptedChanges(workspace.environments, workspace.store);
        const action = await load();
        return action(workspace, ...(args.slice(0, -1) as A));
      });
  const look: Look =
    <A extends unknown[]>(load: () => Promise<Looking<A>>) =>
    (...args: unknown[]) =>
      perform(args, signal, async () => {
        const looking = await load();
        return looking({ places: findPlaces(), signal }, ...(args.slice(0, -1) as A));
      });
  // What follows the environment of `run` is another program's, options and all.
  program.enablePositionalOptions();
  const group = groups.find(({ names }) => command !== undefined && names.includes(command));
  for (const { add } of group ? [group] : groups) add(program, act, look);
  return program;
}

/** Writes what the command gives back, or how it failed; `args` are commander's, its command the last. */
async function perform(
  args: readonly unknown[],
  signal: AbortSignal,
  work: () => Promise<Report | undefined>,
): Promise<void> {
  const asJson = (args.at(-1) as Command).opts<{ json?: boolean }>().json === true;
  try {
    const report = await work();
    if (!report) return;
    writeReport(report, asJson);
    if (report.exitStatus !== undefined) process.exitCode = report.exitStatus;
  } catch (error) {
    process.exitCode = writeError(explainRefusal(await causeOf(error, signal), findPlaces()), asJson);
  }
}

/** Programs that were started get the same Ctrl-C, maybe before we do; what they fail with then is no news. */
async function causeOf(error: unknown, signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) await setTimeout(signalGraceMs);
  const isPublished = error instanceof ShenvError && error.code === 'DAEMON_UNREACHABLE';
  return signal.aborted && !isPublished ? signal.reason : error;
}

/** Where things are; the help and the manual page tell of it. */
export const placeVariables: readonly (readonly [name: string, meaning: string])[] = [
  ['SHENV_HOME', 'environments   (default: shenv-fs in the XDG data folder)'],
  ['SHENV_STORE', 'images         (default: store in SHENV_HOME); mine:/shared/store only reads the second'],
  ['SHENV_RUNTIME', 'control sockets and logs of mounts (default: the XDG runtime folder)'],
];

/** What else the environment may say; the help and the manual page tell of it. */
export const settingVariables: typeof placeVariables = [
  ['SHENV_LOG_LEVEL', 'what mounts log: error, warn, info (the default) or debug, and what is graver'],
  ['SHENV_RESOLVER', 'what chooses versions where --resolver does not say: pip (default) or uv'],
  ['SHENV_WHEEL_LIMITS', 'what a wheel may unpack to: entries=1000000,totalBytes=64G'],
  ['SHENV_SUPERVISION', 'when a mount is given up: deaths=8,lastingMs=30000'],
];

const overview = `
Examples:
  $ shenv-fs create demo numpy requests     make an environment from wheels
  $ shenv-fs mount                          show all environments at ~/.venvs
  $ ~/.venvs/demo/bin/python                run it
  $ source ~/.venvs/demo/bin/activate       or work in it
  $ shenv-fs run demo -- python             or so: it mounts if need be
  $ shenv-fs doctor                         check what mounts need here

Places (environment variables):
${placeVariables.map(([name, meaning]) => `  ${name.padEnd(15)}${meaning}`).join('\n')}

Settings (environment variables; docs/installing.md, docs/hostile-wheels.md, docs/observing.md, docs/supervision.md):
${settingVariables.map(([name, meaning]) => `  ${name.padEnd(20)}${meaning}`).join('\n')}`;

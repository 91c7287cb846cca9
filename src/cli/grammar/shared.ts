import { type Command, Option } from 'commander';
import type { Places } from '../../base/paths.js';
import type { Workspace } from '../../env/workspace.js';
import type { Report } from '../render.js';

/** A command's work; the module that does it is loaded only when it runs. */
export type Action<A extends unknown[]> = (workspace: Workspace, ...args: A) => Promise<Report>;

/** What a command works with that only looks, at a set-up that may be broken: it touches neither home nor store by itself. */
export interface Surroundings {
  places: Places;
  signal: AbortSignal;
}

/** As `Action`; undefined when it has written all there is to write. */
export type Looking<A extends unknown[]> = (
  surroundings: Surroundings,
  ...args: A
) => Promise<Report | undefined>;

/** As `Act`, without a workspace. */
export type Look = <A extends unknown[]>(
  load: () => Promise<Looking<A>>,
) => (...args: unknown[]) => Promise<void>;

/** Makes commander's action of a command's: opens the workspace, loads the module, writes the report. */
export type Act = <A extends unknown[]>(
  load: () => Promise<Action<A>>,
) => (...args: unknown[]) => Promise<void>;

/**
 * For commands that look images up and then refer to them, or read them for long: no gc removes any meanwhile
 * (docs/store.md).
 */
export function holding<A extends unknown[]>(load: () => Promise<Action<A>>): () => Promise<Action<A>> {
  return async () => {
    const action = await load();
    const what = process.argv.slice(2).join(' ');
    return (workspace, ...args) => workspace.store.during(what, () => action(workspace, ...args));
  };
}

export function json(): Option {
  return new Option('--json', 'print JSON');
}

/** For options that may be given several times. */
export function collect(value: string, earlier: string[]): string[] {
  return [...earlier, value];
}

/** The example that closes a command's help. */
export function example(...lines: string[]): string {
  return `\nExample${lines.length === 1 ? '' : 's'}:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}

/** Options of every command that asks an index, under pip's names. */
export function addIndexOptions(command: Command): Command {
  return command
    .option('-i, --index-url <url>', "index to use instead of pip's configured one")
    .option('--extra-index-url <url>', 'further index (repeatable)', collect, [])
    .option('-f, --find-links <place>', 'folder or page with wheels (repeatable)', collect, [])
    .option('--no-index', 'use no index, only --find-links')
    .option('--trusted-host <host>', 'host whose certificate is not checked (repeatable)', collect, []);
}

/** Options of every command that installs, under pip's names. */
export function addWantedOptions(command: Command): Command {
  command
    .option('-r, --requirement <file>', 'requirements file, or a pylock.toml (repeatable)', collect, [])
    .option('-c, --constraint <file>', 'constraints file (repeatable)', collect, [])
    .option('-e, --editable <folder>', 'project to install in editable mode (repeatable)', collect, []);
  return addIndexOptions(command)
    .option('--pre', 'allow pre-releases')
    .option('--no-deps', 'install what is named and not what it depends on')
    .addOption(
      new Option('--resolver <program>', 'what chooses versions')
        .choices(['pip', 'uv'])
        .env('SHENV_RESOLVER')
        .default('pip'),
    );
}

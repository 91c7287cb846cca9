import { Option } from 'commander';
import type { Workspace } from '../../env/workspace.js';
import type { Report } from '../render.js';

/** A command's work; the module that does it is loaded only when it runs. */
export type Action<A extends unknown[]> = (workspace: Workspace, ...args: A) => Promise<Report>;

/** Makes commander's action of a command's: opens the workspace, loads the module, writes the report. */
export type Act = <A extends unknown[]>(
  load: () => Promise<Action<A>>,
) => (...args: unknown[]) => Promise<void>;

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

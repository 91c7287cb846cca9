import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Workspace } from '../../env/workspace.js';
import type { Report } from '../render.js';
import { showEnvironmentFolder, withActivation, withoutActivation } from './active-environment.js';
import { runInForeground } from './foreground.js';

/** How to start an interactive shell that has an environment active. */
interface ShellStart {
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Start-up files by name, for a temporary folder. */
  files?: Record<string, string>;
}

interface ShellRequest {
  name: string;
  /** Folder of the environment. */
  folder: string;
  /** Where `files` will be. */
  temporary: string;
  variables: NodeJS.ProcessEnv;
}

/** Starts the user's shell with the environment active; the report's exit status is the shell's. */
export async function shell(workspace: Workspace, name: string): Promise<Report> {
  const folder = await showEnvironmentFolder(workspace, name);
  const program = process.env.SHELL || '/bin/sh';
  const temporary = await mkdtemp(join(tmpdir(), 'shenv-fs-shell-'));
  try {
    const start = starters[basename(program)] ?? startOther;
    const { args, env, files = {} } = start({ name, folder, temporary, variables: process.env });
    for (const [file, text] of Object.entries(files)) await writeFile(join(temporary, file), text);
    const exitStatus = await runInForeground(program, args, { env, terminateWith: 'SIGHUP' });
    return { data: { exitStatus }, text: '', exitStatus };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

const starters: Readonly<Record<string, (request: ShellRequest) => ShellStart>> = {
  bash: startBash,
  zsh: startZsh,
  fish: startFish,
};

function startBash({ folder, temporary, variables }: ShellRequest): ShellStart {
  const rc = ['if [ -f ~/.bashrc ]; then . ~/.bashrc; fi', `. ${quoted(join(folder, 'bin', 'activate'))}`];
  const editing = process.stdin.isTTY ? [] : ['--noediting'];
  return {
    args: [...editing, '--rcfile', join(temporary, 'bashrc'), '-i'],
    env: withoutActivation(variables),
    files: { bashrc: `${rc.join('\n')}\n` },
  };
}

/**
 * zsh reads .zshenv and .zshrc from ZDOTDIR. Ours read the user's with the ZDOTDIR that the user has,
 * which the user's .zshenv may set, and leave it so.
 */
function startZsh({ folder, temporary, variables }: ShellRequest): ShellStart {
  const before = variables.ZDOTDIR;
  const zshenv = `
${before === undefined ? 'unset ZDOTDIR' : `export ZDOTDIR=${quoted(before)}`}
if [[ -f \${ZDOTDIR:-$HOME}/.zshenv ]]; then . \${ZDOTDIR:-$HOME}/.zshenv; fi
if [[ -v ZDOTDIR ]]; then typeset -g _shenv_fs_zdotdir=$ZDOTDIR; fi
ZDOTDIR=${quoted(temporary)}
`;
  const zshrc = `
if [[ -v _shenv_fs_zdotdir ]]; then export ZDOTDIR=$_shenv_fs_zdotdir; else unset ZDOTDIR; fi
unset _shenv_fs_zdotdir
if [[ -f \${ZDOTDIR:-$HOME}/.zshrc ]]; then . \${ZDOTDIR:-$HOME}/.zshrc; fi
. ${quoted(join(folder, 'bin', 'activate'))}
`;
  return {
    args: ['-i'],
    env: { ...withoutActivation(variables), ZDOTDIR: temporary },
    files: { '.zshenv': zshenv, '.zshrc': zshrc },
  };
}

function startFish({ folder, variables }: ShellRequest): ShellStart {
  const activate = join(folder, 'bin', 'activate.fish').replace(/[\\']/g, '\\$&');
  return {
    args: ['--interactive', `--init-command=source '${activate}'`],
    env: withoutActivation(variables),
  };
}

/** Any other shell gets the variables, as a program that `run` starts. */
function startOther({ folder, name, variables }: ShellRequest): ShellStart {
  return { args: [], env: withActivation(variables, folder, name) };
}

/** A word of sh, bash and zsh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

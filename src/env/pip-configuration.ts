import { readFile, realpath } from 'node:fs/promises';
import { devNull, homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '../base/errors.js';

/** Settings that do not change what pip chooses among wheels of this machine. */
const harmless = new Set([
  ...['cert', 'client-cert', 'proxy', 'retries', 'timeout', 'default-timeout', 'trusted-host'],
  ...['index-url', 'extra-index-url', 'cache-dir', 'no-cache-dir', 'disable-pip-version-check'],
  ...['no-input', 'no-color', 'progress-bar', 'quiet', 'verbose', 'log', 'config-file'],
  ...['require-virtualenv', 'user', 'break-system-packages', 'root-user-action', 'keyring-provider'],
]);

/**
 * Whether pip, were it run by `python`, would be told something of what to choose that the command line does not say: by
 * variables or its configuration files, in the places where pip 22 to 26 looks for them. `alsoHarmless` are further
 * settings that change nothing here.
 */
export async function isPipTold(
  python: string,
  alsoHarmless: readonly string[] = [],
  variables: NodeJS.ProcessEnv = process.env,
): Promise<boolean> {
  const matters = (name: string) => !harmless.has(name) && !alsoHarmless.includes(name);
  const named = Object.keys(variables).filter((name) => name.startsWith('PIP_') && variables[name] !== '');
  if (named.some((name) => matters(settingName(name.slice('PIP_'.length))))) return true;
  // Its prefix is where its file is, not a link to it.
  const executables = [python, await realpath(python).catch(() => python)];
  for (const path of configurationFiles(executables, variables)) {
    const text = await readFile(path, 'utf8').catch(whereUnread);
    if (text === undefined || settingsOf(text).some(matters)) return true;
  }
  return false;
}

function configurationFiles(executables: readonly string[], variables: NodeJS.ProcessEnv): string[] {
  const { HOME = homedir(), PIP_CONFIG_FILE, VIRTUAL_ENV } = variables;
  if (PIP_CONFIG_FILE === devNull) return [];
  const system = (variables.XDG_CONFIG_DIRS || '/etc/xdg').split(':').map((folder) => join(folder, 'pip'));
  const user = variables.XDG_CONFIG_HOME || join(HOME, '.config');
  const bases = new Set(executables.map((path) => dirname(dirname(path))));
  const prefixes = [...bases, ...(VIRTUAL_ENV ? [VIRTUAL_ENV] : [])];
  const folders = [...system, '/etc', join(user, 'pip'), join(HOME, '.pip'), ...prefixes];
  const files = folders.map((folder) => join(folder, 'pip.conf'));
  return PIP_CONFIG_FILE ? [...files, PIP_CONFIG_FILE] : files;
}

/** Undefined for what is there and cannot be read: pip itself says what it makes of that. */
function whereUnread(error: unknown): string | undefined {
  return ['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '') ? '' : undefined;
}

/** Names of what an INI file sets, in any section; an indented line may go on with a value, or be the next setting. */
function settingsOf(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => /^\s*([^\s#;[:=][^:=]*)[:=]/.exec(line)?.[1] ?? '')
    .filter((name) => name !== '')
    .map(settingName);
}

function settingName(text: string): string {
  return text.trim().toLowerCase().replaceAll('_', '-').replace(/^--/, '');
}

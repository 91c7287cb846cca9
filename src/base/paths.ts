import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** The places that one invocation works with; every path is absolute. */
export interface Places {
  /** Environments, interpreter records: SHENV_HOME, else the XDG data folder. */
  home: string;
  /** The store of images that is written: the first in SHENV_STORE, else `store` in home. */
  store: string;
  /** Stores that look-ups fall through to, in this order: the others in SHENV_STORE. */
  upstreams: string[];
  /** Control sockets and logs of daemons: SHENV_RUNTIME, else the XDG runtime folder. */
  runtime: string;
  /** Where `mount` mounts by default. */
  mountpoint: string;
}

/** Follows the XDG base directory specification; an empty variable counts as unset. */
export function findPlaces(variables: NodeJS.ProcessEnv = process.env): Places {
  const user = variables.HOME || homedir();
  const data = variables.XDG_DATA_HOME || join(user, '.local', 'share');
  const home = resolve(variables.SHENV_HOME || join(data, 'shenv-fs'));
  const [store = join(home, 'store'), ...upstreams] = storesOf(variables.SHENV_STORE);
  return {
    home,
    store,
    upstreams,
    runtime: resolve(variables.SHENV_RUNTIME || runtimeFolder(variables)),
    mountpoint: join(user, '.venvs'),
  };
}

/** Separated as in PATH, so that no path with a colon can be named; each one once. */
function storesOf(variable = ''): string[] {
  const paths = variable.split(':').filter((path) => path !== '');
  return [...new Set(paths.map((path) => resolve(path)))];
}

/** Where what can be made again is kept, below the XDG cache folder; undefined for a user without a home. */
export function cacheFolder(variables: NodeJS.ProcessEnv = process.env): string | undefined {
  const xdg = variables.XDG_CACHE_HOME ?? '';
  if (isAbsolute(xdg)) return join(xdg, 'shenv-fs');
  return variables.HOME ? join(variables.HOME, '.cache', 'shenv-fs') : undefined;
}

function runtimeFolder(variables: NodeJS.ProcessEnv): string {
  const xdg = variables.XDG_RUNTIME_DIR;
  if (xdg) return join(xdg, 'shenv-fs');
  const uid = process.getuid?.() ?? 0;
  return uid === 0 ? '/run/shenv-fs' : join(tmpdir(), `shenv-fs-${uid}`);
}

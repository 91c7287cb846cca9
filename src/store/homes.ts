import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { publishExclusively, replaceFile, stageFile } from '../base/atomic-write.js';
import { sha256 } from '../base/digest.js';
import { unless } from '../base/errors.js';
import { isNetworkFileSystem } from '../base/file-system.js';
import { readRegular } from '../base/trust.js';
import type { StoreLayout } from './layout.js';
import { replaceInStore } from './modes.js';

/** 16 hexadecimal digits, drawn once for each home. */
export type HomeId = string & { readonly [homeIdBrand]: true };
declare const homeIdBrand: unique symbol;

/** Where a home whose environments show images of a store was when it last registered something. */
export interface RegisteredHome {
  id: HomeId;
  /** Undefined where what the store knew of it is lost or damaged. */
  path: string | undefined;
  host: string | undefined;
}

const idPattern = /^[0-9a-f]{16}$/;

/** The id of the home at `path`; undefined where there is none, or it is a copy that has no id of its own yet. */
export async function readHomeId(path: string): Promise<HomeId | undefined> {
  const file = await idFileOf(path);
  const text = file === undefined ? undefined : await unless('ENOENT', readFile(file, 'utf8'));
  const id = text?.trim();
  return id !== undefined && idPattern.test(id) ? (id as HomeId) : undefined;
}

/** As `readHomeId`, and gives it one where it has none; of several at the same time the first one's counts. */
export async function identifyHome(path: string): Promise<HomeId> {
  const known = await readHomeId(path);
  if (known !== undefined) return known;
  await mkdir(path, { recursive: true, mode: 0o755 });
  const file = (await idFileOf(path))!;
  const id = `${randomBytes(8).toString('hex')}\n`;
  const staged = await stageFile(path, (handle) => handle.writeFile(id));
  if (!(await publishExclusively(staged, file)) && (await readHomeId(path)) === undefined)
    await replaceFile(file, Buffer.from(id));
  return (await readHomeId(path))!;
}

/**
 * The file of an id tells in its name which folder it is for, so that a copied home has none: by the inode number and, where
 * the file system is this machine's own, by the machine, whose disk may have been copied as a whole.
 */
async function idFileOf(path: string): Promise<string | undefined> {
  const status = await unless('ENOENT', stat(path));
  if (!status) return undefined;
  const machine = (await isNetworkFileSystem(path)) ? 'network' : await machineId();
  return join(path, `id.${status.ino}.${machine}`);
}

/** machine-id(5), shortened and not to be told from; `none` in containers without one. */
async function machineId(): Promise<string> {
  const text = (await readFile('/etc/machine-id', 'utf8').catch(() => '')).trim();
  return text === '' ? 'none' : sha256(Buffer.from(`shenv-fs ${text}`)).slice(0, 8);
}

/** False for a home of which the store has nothing: it was copied, is older than the store, or what there was is lost. */
export async function isHomeKnown({ homes, roots }: StoreLayout, id: HomeId): Promise<boolean> {
  for (const folder of [homes, roots])
    if ((await unless('ENOENT', stat(join(folder, id)))) === undefined) return false;
  return true;
}

/** Notes where the home is, for gc and for people. */
export async function noteHome(layout: StoreLayout, id: HomeId, path: string): Promise<void> {
  const file = join(layout.homes, id);
  const text = await readText(file);
  const known = text === undefined ? undefined : parse<{ path: string; host: string }>(text);
  if (known?.path === path) return;
  await replaceInStore(layout, file, Buffer.from(`${JSON.stringify({ path, host: hostname() })}\n`));
}

/** Every home that the store knows, or has roots of. */
export async function listHomes({ homes, roots }: StoreLayout): Promise<RegisteredHome[]> {
  const ids = new Set<string>();
  for (const folder of [homes, roots]) {
    for (const name of (await unless('ENOENT', readdir(folder))) ?? [])
      if (idPattern.test(name)) ids.add(name);
  }
  return Promise.all(
    [...ids].sort().map(async (id) => {
      const text = await readText(join(homes, id));
      const known = text === undefined ? undefined : parse<{ path: string; host: string }>(text);
      return { id: id as HomeId, path: known?.path, host: known?.host };
    }),
  );
}

/** Undefined where there is no such file. */
async function readText(path: string): Promise<string | undefined> {
  return (await unless('ENOENT', readRegular(path)))?.toString();
}

function parse<T extends object>(text: string): T | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}

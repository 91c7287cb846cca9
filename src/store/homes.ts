import { randomBytes } from 'node:crypto';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { replaceFile } from '../base/atomic-write.js';
import { unless } from '../base/errors.js';
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

interface HomeFile {
  id: HomeId;
  /** Inode number of the home's folder: a copy of the home has another one, and gets another id. */
  inode: number;
}

const idFile = 'id';
const idPattern = /^[0-9a-f]{16}$/;

/** The id of the home at `path`; undefined where there is none, or it is a copy that has no id of its own yet. */
export async function readHomeId(path: string): Promise<HomeId | undefined> {
  const text = await readText(join(path, idFile));
  const known = text === undefined ? undefined : parse<HomeFile>(text);
  if (known === undefined || !idPattern.test(known.id)) return undefined;
  return known.inode === (await stat(path)).ino ? known.id : undefined;
}

/** As `readHomeId`, and gives it one where it has none. */
export async function identifyHome(path: string): Promise<HomeId> {
  const known = await readHomeId(path);
  if (known !== undefined) return known;
  await mkdir(path, { recursive: true, mode: 0o755 });
  const id = randomBytes(8).toString('hex') as HomeId;
  const { ino: inode } = await stat(path);
  await replaceFile(join(path, idFile), Buffer.from(`${JSON.stringify({ id, inode })}\n`));
  return (await readHomeId(path)) ?? id;
}

/** False for a home that has registered nothing yet: it was copied, or is older than the store. */
export async function isHomeKnown({ homes }: StoreLayout, id: HomeId): Promise<boolean> {
  return (await unless('ENOENT', stat(join(homes, id)))) !== undefined;
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

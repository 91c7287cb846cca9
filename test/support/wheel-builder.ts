import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatRecord, type RecordRow, recordHash } from '../../src/wheel/record.js';
import { writeZip, type ZipMember } from './zip-writer.js';

/** A wheel to be built. Everything after `executable` is there to make it wrong. */
export interface WheelSpec {
  name?: string;
  version?: string;
  /** `py3-none-any` by default; a build tag goes before it. */
  tags?: string;
  build?: string;
  files?: Readonly<Record<string, string | Buffer>>;
  entryPoints?: string;
  requires?: readonly string[];
  purelib?: boolean;
  deflate?: boolean;
  /** Paths with mode 0755. */
  executable?: readonly string[];
  distInfo?: string;
  /** Texts in place of the right ones; `null` leaves the file out. */
  metadata?: string | null;
  wheel?: string | null;
  /** Changes the rows; gives `null` to leave RECORD out. */
  record?: (rows: RecordRow[]) => RecordRow[] | null;
  /** Changes the members of the finished archive. */
  members?: (members: ZipMember[]) => ZipMember[];
}

export interface BuiltWheel {
  fileName: string;
  data: Buffer;
}

export function buildWheel(spec: WheelSpec = {}): BuiltWheel {
  const { name = 'sample', version = '1.0', tags = 'py3-none-any', build } = spec;
  const fileName = [name, version, ...(build === undefined ? [] : [build]), tags].join('-');
  return { fileName: `${fileName}.whl`, data: writeZip(wheelMembers(spec)) };
}

/** The members of the archive that `spec` describes. */
export function wheelMembers(spec: WheelSpec = {}): ZipMember[] {
  const { name = 'sample', version = '1.0', tags = 'py3-none-any' } = spec;
  const distInfo = spec.distInfo ?? `${name}-${version}.dist-info`;
  const texts = new Map<string, string | Buffer>(Object.entries(spec.files ?? {}));
  const add = (file: string, text: string | null) => text !== null && texts.set(`${distInfo}/${file}`, text);
  add('METADATA', spec.metadata === undefined ? metadataText(name, version, spec.requires) : spec.metadata);
  add('WHEEL', spec.wheel === undefined ? wheelText(spec.purelib ?? true, tags) : spec.wheel);
  if (spec.entryPoints !== undefined) add('entry_points.txt', spec.entryPoints);
  const rows = [...texts].map(([path, text]) => rowOf(path, Buffer.from(text as string)));
  rows.push({ path: `${distInfo}/RECORD`, hash: '', size: '' });
  const changed = spec.record ? spec.record(rows) : rows;
  if (changed) texts.set(`${distInfo}/RECORD`, formatRecord(changed));
  const executable = new Set(spec.executable);
  const members = [...texts].map(([path, text]) => ({
    name: path,
    data: Buffer.from(text as string),
    method: spec.deflate ? 8 : 0,
    mode: executable.has(path) ? 0o100755 : 0o100644,
  }));
  return spec.members ? spec.members(members) : members;
}

/** Builds a wheel into a folder, made if need be, and gives its path. */
export async function writeWheel(folder: string, spec: WheelSpec = {}): Promise<string> {
  const { fileName, data } = buildWheel(spec);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, fileName), data);
  return join(folder, fileName);
}

export function rowOf(path: string, data: Buffer): RecordRow {
  const hash = recordHash(createHash('sha256').update(data).digest());
  return { path, hash, size: String(data.length) };
}

export function metadataText(name: string, version: string, requires: readonly string[] = []): string {
  const lines = ['Metadata-Version: 2.1', `Name: ${name}`, `Version: ${version}`, 'Summary: A sample'];
  return `${[...lines, ...requires.map((text) => `Requires-Dist: ${text}`)].join('\n')}\n\nA body.\n`;
}

export function wheelText(purelib: boolean, tags: string): string {
  return `Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: ${purelib}\nTag: ${tags}\n`;
}

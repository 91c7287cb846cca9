import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { Image } from '../image/read.js';
import { installPlace } from '../wheel/plan.js';
import { formatRecord, parseRecord, type RecordRow, recordHash } from '../wheel/record.js';
import { distInfoFiles, type GeneratedContent, scriptsOf } from './generated.js';
import type { View } from './tree.js';

/** Gives a generated file's bytes. */
export type RenderContent = (content: GeneratedContent) => Promise<Buffer>;

/**
 * RECORD of one distribution in one environment, row for row what pip writes without compiling:
 * the wheel's rows with paths relative to site-packages, rewritten scripts hashed anew, and what
 * the installer added; sorted. `wheelRecord` is the RECORD that the wheel brought.
 */
export async function environmentRecord(
  view: View,
  layer: number,
  wheelRecord: string,
  render: RenderContent,
): Promise<string> {
  const viewLayer = view.layers[layer]!;
  const { image } = viewLayer;
  const minor = view.interpreter?.minor ?? '';
  const folders = {
    site: view.sitePackages,
    bin: 'bin',
    data: '',
    include: `include/site/python${minor}/${image.meta.name}`,
  };
  const rows: RecordRow[] = [];
  for (const row of parseRecord(wheelRecord, `${image.meta.distInfo}/RECORD`)) {
    const { scheme, path } = installPlace(row.path);
    const node = image.resolve(`${scheme}/${path}`);
    if (node === undefined) {
      rows.push(row);
      continue;
    }
    const placed = relativeTo(view.sitePackages, posix.join(folders[scheme], path));
    if (scheme === 'site') rows.push(...bytecodeRow(image, path));
    if (image.isPythonScript(node)) {
      rows.push(await hashed(placed, await render({ type: 'pythonScript', layer, node })));
    } else rows.push({ ...row, path: placed });
  }
  for (const script of scriptsOf(image.meta.scripts, minor)) {
    const path = relativeTo(view.sitePackages, `bin/${script.name}`);
    rows.push(await hashed(path, await render({ type: 'entryPoint', script, layer })));
  }
  for (const file of distInfoFiles(viewLayer, layer)) {
    if (file.content.type === 'record') continue;
    rows.push(await hashed(`${image.meta.distInfo}/${file.name}`, await render(file.content)));
  }
  return formatRecord(rows.sort(compareRows), viewLayer.writer === 'uv' ? '\n' : '\r\n');
}

/** The row of a source's .pyc, where the layer shows bytecode; without hash, as pip writes it. */
function bytecodeRow(image: Image, path: string): RecordRow[] {
  const { cacheTag } = image.meta;
  if (cacheTag === undefined || !path.endsWith('.py')) return [];
  const compiled = posix.join(
    posix.dirname(path),
    '__pycache__',
    `${posix.basename(path, '.py')}.${cacheTag}.pyc`,
  );
  return image.resolve(`site/${compiled}`) === undefined ? [] : [{ path: compiled, hash: '', size: '' }];
}

function relativeTo(folder: string, path: string): string {
  return posix.relative(`/${folder}`, `/${path}`);
}

async function hashed(path: string, data: Buffer): Promise<RecordRow> {
  return { path, hash: recordHash(createHash('sha256').update(data).digest()), size: String(data.length) };
}

/** Python sorts the rows as tuples of strings, by code point. */
function compareRows(a: RecordRow, b: RecordRow): number {
  return compareText(a.path, b.path) || compareText(a.hash, b.hash) || compareText(a.size, b.size);
}

function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

import type { ImageScript } from '../image/meta.js';
import type { NodeIndex } from '../image/read.js';
import type { Segment } from '../python/skeleton.js';
import { firstGeneratedNode } from './inode.js';
import type { ViewLayer } from './tree.js';

/** What a generated file is made from; view/render.ts makes the bytes, on demand. */
export type GeneratedContent =
  | { type: 'template'; segments: readonly Segment[] }
  | { type: 'text'; text: string }
  | { type: 'entryPoint'; script: ImageScript; layer: number }
  /** A script of the wheel whose first line is the environment's to write. */
  | { type: 'pythonScript'; layer: number; node: NodeIndex }
  | { type: 'record'; layer: number }
  /** Made anew whenever it is looked at. */
  | { type: 'volatile'; make: () => string };

export interface DistInfoFile {
  name: string;
  node: number;
  content: GeneratedContent;
}

/** What an installer adds to `.dist-info` ("Recording installed projects"). */
export function distInfoFiles(viewLayer: ViewLayer, layer: number): DistInfoFile[] {
  const files: DistInfoFile[] = [
    {
      name: 'INSTALLER',
      node: firstGeneratedNode,
      content: {
        type: 'text',
        text: viewLayer.writer === 'uv' ? viewLayer.installer : `${viewLayer.installer}\n`,
      },
    },
    { name: 'RECORD', node: firstGeneratedNode + 1, content: { type: 'record', layer } },
  ];
  if (viewLayer.requested) {
    files.push({ name: 'REQUESTED', node: firstGeneratedNode + 2, content: { type: 'text', text: '' } });
  }
  if (viewLayer.directUrl) {
    const text = formatDirectUrl(viewLayer.directUrl);
    files.push({ name: 'direct_url.json', node: firstGeneratedNode + 3, content: { type: 'text', text } });
  }
  return files;
}
/** Node numbers that stay free before a layer's scripts. */
distInfoFiles.reserved = 16;

/** As Python's `json.dumps(…, sort_keys=True)` writes it, which is what pip puts there. */
export function formatDirectUrl(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(formatDirectUrl).join(', ')}]`;
  if (value === null || typeof value !== 'object') return escapeNonAscii(JSON.stringify(value));
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${escapeNonAscii(JSON.stringify(key))}: ${formatDirectUrl(item)}`).join(', ')}}`;
}

function escapeNonAscii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * The scripts to write for a distribution's entry points, as pip does: `pip` and `easy_install` get
 * the names of the interpreter at hand instead of those of the one that built the wheel.
 */
export function scriptsOf(scripts: readonly ImageScript[], minor: string): ImageScript[] {
  const result: ImageScript[] = [];
  for (const script of scripts) {
    if (script.gui) result.push(script);
    else if (/^pip\d+(\.\d+)?$/.test(script.name) && has(scripts, 'pip')) continue;
    else if (/^easy_install-\d+\.\d+$/.test(script.name) && has(scripts, 'easy_install')) continue;
    else result.push(script);
    if (script.gui) continue;
    if (script.name === 'pip') {
      result.push({ ...script, name: `pip${minor.split('.')[0]}` }, { ...script, name: `pip${minor}` });
    } else if (script.name === 'easy_install') result.push({ ...script, name: `easy_install-${minor}` });
  }
  return result;
}

function has(scripts: readonly ImageScript[], name: string): boolean {
  return scripts.some((script) => script.name === name && !script.gui);
}

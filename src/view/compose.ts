import { createHash } from 'node:crypto';
import type { ShenvError } from '../base/errors.js';
import type { NodeIndex } from '../image/read.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import { distributionOf, ownerOf, pathConflict } from './conflicts.js';
import { distInfoFiles, scriptsOf } from './generated.js';
import { environmentInode, firstGeneratedNode, skeletonSlot } from './inode.js';
import {
  type Clash,
  expandedKey,
  type GeneratedEntry,
  type Graft,
  type View,
  type ViewDirectory,
  type ViewEntry,
  type ViewLayer,
} from './tree.js';

export interface ComposeInput {
  environmentSerial: number;
  /** Undefined for a bare environment: its tree is empty, and it has no layers. */
  interpreter: InterpreterRecord | undefined;
  /** Earlier ones lie under later ones. */
  layers: readonly ViewLayer[];
  systemSitePackages: boolean;
  /** Time of everything that no image brings. */
  mtimeNs: bigint;
  /** As `View.isOwn`; false if left out. */
  isOwn?: boolean;
}

/**
 * Composes the tree of one environment. Pure: no I/O, and no more names touched than the layers share.
 * Throws PATH_CONFLICT when one layer has a file where another has a directory.
 */
export function compose(input: ComposeInput): View {
  const composer = new Composer(input);
  if (input.interpreter) composer.addSkeleton(input.interpreter);
  input.layers.forEach((_, index) => {
    composer.addLayer(index);
  });
  return composer.finish();
}

/** site-packages of a venv of this interpreter, relative to its root. */
function sitePackagesOf({ minor }: InterpreterRecord): string {
  return `lib/python${minor}/site-packages`;
}

class Composer {
  readonly #input: ComposeInput;
  readonly #root: ViewDirectory;
  readonly #expanded = new Map<string, ViewDirectory>();
  readonly #clashes: Clash[] = [];
  readonly #skeletonNodes = new Set<number>();
  #namesTouched = 0;

  constructor(input: ComposeInput) {
    this.#input = input;
    this.#root = this.#newDirectory(undefined, environmentInode(input.environmentSerial, skeletonSlot, 0));
  }

  addSkeleton(interpreter: InterpreterRecord): void {
    for (const entry of interpreter.skeleton) {
      const { folder, name } = this.#parentOf(entry.path);
      this.#namesTouched += 1;
      if (entry.kind === 'directory') {
        this.#directoryAt(folder, name, entry.path);
        continue;
      }
      const { mtimeNs } = this.#input;
      const inode = this.#skeletonInode(entry.path);
      if (entry.kind === 'link') {
        folder.entries.set(name, { kind: 'link', inode, mtimeNs, target: entry.target });
      } else {
        const content = { type: 'template', segments: entry.segments } as const;
        folder.entries.set(name, {
          kind: 'generated',
          inode,
          mtimeNs,
          executable: entry.executable,
          layer: undefined,
          content,
        });
      }
    }
    this.#ensure(sitePackagesOf(interpreter));
    this.#ensure('bin');
  }

  /** Brings in one image, scheme by scheme, then what an installer writes beside it. */
  addLayer(layer: number): void {
    const { image } = this.#input.layers[layer]!;
    const interpreter = this.#interpreter();
    const site = sitePackagesOf(interpreter);
    const schemes: [string, string][] = [
      ['site', site],
      ['bin', 'bin'],
      ['data', ''],
      ['include', `include/site/python${interpreter.minor}/${image.meta.name}`],
    ];
    for (const [scheme, target] of schemes) {
      const node = image.lookup(0, scheme);
      if (node !== undefined) this.#merge(this.#ensure(target), target, layer, node);
    }
    this.#addGenerated(layer, site);
  }

  /** Without one there are no layers. */
  #interpreter(): InterpreterRecord {
    const { interpreter } = this.#input;
    if (!interpreter) throw new Error('a bare environment has layers');
    return interpreter;
  }

  finish(): View {
    const { interpreter } = this.#input;
    return {
      environmentSerial: this.#input.environmentSerial,
      numberedByImage: false,
      isOwn: this.#input.isOwn ?? false,
      root: this.#root,
      layers: this.#input.layers,
      expanded: this.#expanded,
      clashes: this.#clashes,
      namesTouched: this.#namesTouched,
      interpreter,
      systemSitePackages: this.#input.systemSitePackages,
      sitePackages: interpreter ? sitePackagesOf(interpreter) : '',
    };
  }

  #addGenerated(layer: number, site: string): void {
    const viewLayer = this.#input.layers[layer]!;
    const distInfo = this.#ensure(`${site}/${viewLayer.image.meta.distInfo}`);
    for (const file of distInfoFiles(viewLayer, layer)) {
      const entry = this.#generated(layer, file.node, false, file.content);
      this.#put(distInfo, `${site}/${viewLayer.image.meta.distInfo}`, file.name, layer, entry);
      this.#namesTouched += 1;
    }
    const bin = this.#ensure('bin');
    scriptsOf(viewLayer.image.meta.scripts, this.#interpreter().minor).forEach((script, index) => {
      const node = firstGeneratedNode + distInfoFiles.reserved + index;
      this.#put(
        bin,
        'bin',
        script.name,
        layer,
        this.#generated(layer, node, true, { type: 'entryPoint', script, layer }),
      );
      this.#namesTouched += 1;
    });
  }

  /** Merges a directory of an image into one of the view. */
  #merge(folder: ViewDirectory, path: string, layer: number, node: NodeIndex): void {
    const { image } = this.#input.layers[layer]!;
    this.#expanded.set(expandedKey(layer, node), folder);
    const { first, count } = image.childrenOf(node);
    for (let child = first; child < first + count; child += 1) {
      this.#namesTouched += 1;
      const name = image.nameOf(child);
      if (image.isDirectory(child)) this.#mergeDirectory(folder, join(path, name), name, layer, child);
      else this.#put(folder, path, name, layer, this.#fileEntry(layer, child));
    }
  }

  #mergeDirectory(folder: ViewDirectory, path: string, name: string, layer: number, node: NodeIndex): void {
    const existing = folder.entries.get(name);
    if (existing === undefined) {
      folder.entries.set(name, { kind: 'graft', layer, node });
      return;
    }
    const target = this.#asDirectory(folder, name, path, existing);
    if (target === undefined) throw this.#conflict(path, existing, layer);
    this.#merge(target, path, layer, node);
  }

  #fileEntry(layer: number, node: NodeIndex): ViewEntry {
    const { image } = this.#input.layers[layer]!;
    if (!image.isPythonScript(node)) return { kind: 'file', layer, node };
    return this.#generated(layer, node, true, { type: 'pythonScript', layer, node });
  }

  #put(folder: ViewDirectory, path: string, name: string, layer: number, entry: ViewEntry): void {
    const existing = folder.entries.get(name);
    if (existing?.kind === 'directory' || existing?.kind === 'graft') {
      throw this.#conflict(join(path, name), existing, layer);
    }
    const { layers } = this.#input;
    const owner = existing && ownerOf(layers, existing);
    const self = distributionOf(layers[layer]!);
    if (owner !== undefined && owner !== self) {
      this.#clashes.push({ path: join(path, name), earlier: owner, later: self });
    }
    folder.entries.set(name, entry);
  }

  /** The directory at `path`, made where it is missing. */
  #ensure(path: string): ViewDirectory {
    let folder = this.#root;
    let soFar = '';
    for (const part of path === '' ? [] : path.split('/')) {
      soFar = join(soFar, part);
      folder = this.#directoryAt(folder, part, soFar);
    }
    return folder;
  }

  #directoryAt(folder: ViewDirectory, name: string, path: string): ViewDirectory {
    const existing = folder.entries.get(name);
    if (existing !== undefined) {
      const directory = this.#asDirectory(folder, name, path, existing);
      if (directory) return directory;
      throw this.#conflict(path, existing, undefined);
    }
    const made = this.#newDirectory(folder, this.#skeletonInode(path));
    folder.entries.set(name, made);
    return made;
  }

  /** An entry as a directory of the view: a graft is expanded by one level, `lib64` is followed. */
  #asDirectory(
    folder: ViewDirectory,
    name: string,
    path: string,
    entry: ViewEntry,
  ): ViewDirectory | undefined {
    if (entry.kind === 'directory') return entry;
    if (entry.kind === 'link') {
      const target = folder.entries.get(entry.target);
      return target?.kind === 'directory' ? target : undefined;
    }
    return entry.kind === 'graft' ? this.#expand(folder, name, path, entry) : undefined;
  }

  #expand(folder: ViewDirectory, name: string, path: string, graft: Graft): ViewDirectory {
    const { slot, times } = this.#input.layers[graft.layer]!;
    const inode = environmentInode(this.#input.environmentSerial, slot, graft.node);
    const directory = { ...this.#newDirectory(folder, inode), ...times?.get(graft.node) };
    folder.entries.set(name, directory);
    this.#merge(directory, path, graft.layer, graft.node);
    return directory;
  }

  #newDirectory(parent: ViewDirectory | undefined, inode: ViewDirectory['inode']): ViewDirectory {
    const { mtimeNs } = this.#input;
    return { kind: 'directory', inode, mtimeNs, parent, entries: new Map() };
  }

  #generated(
    layer: number,
    node: number,
    executable: boolean,
    content: GeneratedEntry['content'],
  ): GeneratedEntry {
    const { slot, times } = this.#input.layers[layer]!;
    const inode = environmentInode(this.#input.environmentSerial, slot, node);
    const { mtimeNs } = this.#input;
    return { kind: 'generated', inode, mtimeNs, executable, layer, content, ...times?.get(node) };
  }

  /** Made of the path, so that another interpreter's skeleton does not renumber what stays. */
  #skeletonInode(path: string): ViewDirectory['inode'] {
    const hash = createHash('sha256').update(path).digest().readUInt32LE(0);
    let node = (hash % (firstGeneratedNode - 1)) + 1;
    while (this.#skeletonNodes.has(node)) node = (node % (firstGeneratedNode - 1)) + 1;
    this.#skeletonNodes.add(node);
    return environmentInode(this.#input.environmentSerial, skeletonSlot, node);
  }

  #parentOf(path: string): { folder: ViewDirectory; name: string } {
    const slash = path.lastIndexOf('/');
    return { folder: this.#ensure(path.slice(0, Math.max(slash, 0))), name: path.slice(slash + 1) };
  }

  #conflict(path: string, existing: ViewEntry, newcomer: number | undefined): ShenvError {
    return pathConflict(this.#input.layers, { path, existing, newcomer });
  }
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`;
}

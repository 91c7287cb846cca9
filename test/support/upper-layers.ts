import { closeSync, readdirSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { FileAttributes } from '../../src/upper/attributes.js';
import { makeUpperFolder } from '../../src/upper/disk.js';
import { ContentMissing, type UpperEvents } from '../../src/upper/lower.js';
import { LowerTree } from '../../src/upper/lower-tree.js';
import { UpperLayer } from '../../src/upper/upper-layer.js';
import type { ImageEntry } from '../../src/view/tree.js';
import type { ImageSpec } from './image-builder.js';
import { temporaryFolder } from './temporary-folder.js';
import { TestLower } from './test-lower.js';

export const owner = { uid: process.getuid!(), gid: process.getgid!() };
export const plainRequest = { isResent: false, owner };

/** What is on disk below a folder: paths, folders with a slash at the end. */
export function namesOnDisk(folder: string, below = ''): string[] {
  const entries = readdirSync(join(folder, below), { withFileTypes: true });
  return entries
    .flatMap((entry) => {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      return entry.isDirectory() ? [`${path}/`, ...namesOnDisk(folder, path)] : [path];
    })
    .sort();
}

/** Remembers what the layer tells; `forget` is what the kernel does when nobody has an object open. */
export class TestEvents implements UpperEvents {
  readonly isChanged = new Set<bigint>();
  readonly orphans = new Set<bigint>();

  changed(inode: bigint): void {
    this.isChanged.add(inode);
  }

  restored(inode: bigint): void {
    this.isChanged.delete(inode);
  }

  outdated(): void {}

  merged(): void {}

  orphaned(inode: bigint): void {
    this.orphans.add(inode);
  }
}

/** An upper layer addressed by paths, as the kernel would: links are not followed. */
export class TestLayer {
  readonly folder: string;
  lower: TestLower;
  events = new TestEvents();
  #layer: UpperLayer | undefined;
  #lowerTree: LowerTree;

  private constructor(folder: string, lower: TestLower) {
    this.folder = folder;
    this.lower = lower;
    this.#lowerTree = new LowerTree(lower);
  }

  static async make(t: ExecutionContext, specs: readonly ImageSpec[]): Promise<TestLayer> {
    const folder = await temporaryFolder(t);
    return TestLayer.over(t, await TestLower.ofSpecs(folder, specs), join(folder, 'upper'));
  }

  static async over(t: ExecutionContext, lower: TestLower, folder: string): Promise<TestLayer> {
    makeUpperFolder(folder);
    const made = new TestLayer(folder, lower);
    await made.open(false);
    t.teardown(() => made.close());
    return made;
  }

  async open(isTakenOver: boolean): Promise<void> {
    this.events = new TestEvents();
    this.#layer = await UpperLayer.open({
      folder: this.folder,
      environmentSerial: this.lower.view.environmentSerial,
      lower: this.lower,
      isTakenOver,
      events: this.events,
    });
  }

  close(): void {
    this.#layer?.close();
    this.#layer = undefined;
  }

  async reopen(isTakenOver = false): Promise<void> {
    this.close();
    await this.open(isTakenOver);
  }

  setLower(lower: TestLower): void {
    this.lower = lower;
    this.#lowerTree = new LowerTree(lower);
    this.layer.setLower(lower);
  }

  get tree(): string {
    return join(this.folder, 'tree');
  }

  onDisk(): string[] {
    return namesOnDisk(this.tree);
  }

  orphansOnDisk(): string[] {
    return readdirSync(join(this.folder, 'orphans'));
  }

  get layer(): UpperLayer {
    return this.#layer!;
  }

  get root(): bigint {
    return this.lower.view.root.inode;
  }

  /** Runs an operation; a generated content that it misses is made, once. */
  run<T>(operation: (layer: UpperLayer) => T): T {
    try {
      return operation(this.layer);
    } catch (error) {
      if (!(error instanceof ContentMissing)) throw error;
      this.lower.make(error.entry);
      return operation(this.layer);
    }
  }

  /** Throws ENOENT, ENOTDIR. */
  inodeOf(path: string): bigint {
    return path === ''
      ? this.root
      : path.split('/').reduce((parent, name) => this.#step(parent, name), this.root);
  }

  #step(parent: bigint, name: string): bigint {
    const found = this.layer.lookup(parent, name);
    if (found === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    if (found.kind === 'upper') return found.attributes.inode;
    const folder = this.#lowerTree.find(found.parent)!;
    return this.#lowerTree.inodeOf(this.#lowerTree.child(folder.entry, found.name)!);
  }

  place(path: string): [bigint, string] {
    const slash = path.lastIndexOf('/');
    return [this.inodeOf(path.slice(0, Math.max(0, slash))), path.slice(slash + 1)];
  }

  stat(path: string): FileAttributes {
    return this.layer.attributes(this.inodeOf(path));
  }

  read(path: string): string {
    return this.readInode(this.inodeOf(path)).toString('utf8');
  }

  readInode(inode: bigint): Buffer {
    const fd = this.layer.openBacking(inode, false);
    if (fd === undefined) return this.lower.contentOf(this.#lowerTree.find(inode)!.entry as ImageEntry);
    try {
      const content = Buffer.alloc(this.layer.attributes(inode).size!);
      readSync(fd, content, 0, content.length, 0);
      return content;
    } finally {
      closeSync(fd);
    }
  }

  create(path: string, content: string, mode = 0o644): FileAttributes {
    const made = this.run((layer) =>
      layer.create(...this.place(path), { ...plainRequest, mode, isExclusive: true }),
    );
    writeSync(made.fd, content);
    closeSync(made.fd);
    return made.attributes;
  }

  write(path: string, content: string): void {
    const inode = this.inodeOf(path);
    const fd = this.run((layer) => layer.openBacking(inode, true))!;
    writeSync(fd, content, 0);
    closeSync(fd);
  }

  mkdir(path: string, mode = 0o755): FileAttributes {
    return this.layer.mkdir(...this.place(path), { ...plainRequest, mode });
  }

  unlink(path: string): void {
    this.run((layer) => layer.unlink(...this.place(path), plainRequest));
  }

  rmdir(path: string): void {
    this.run((layer) => layer.rmdir(...this.place(path), plainRequest));
  }

  rename(from: string, to: string, flags = 0): void {
    this.run((layer) => layer.rename(...this.place(from), ...this.place(to), { isResent: false, flags }));
  }

  link(from: string, to: string): void {
    this.run((layer) => layer.link(this.inodeOf(from), ...this.place(to), plainRequest));
  }

  symlink(target: string, path: string): void {
    this.layer.symlink(...this.place(path), target, plainRequest);
  }

  names(path: string): string[] {
    return [...this.layer.list(this.inodeOf(path))].map(({ name }) => name).sort();
  }

  /** The kernel forgets everything that has no name. */
  forgetOrphans(): void {
    for (const inode of this.events.orphans) this.layer.forget(inode);
    this.events.orphans.clear();
  }

  /** Every path with its attributes, sorted. */
  *walk(
    path = '',
    inode = this.root,
  ): Generator<{ path: string; inode: bigint; attributes: FileAttributes }> {
    const entries = [...this.layer.list(inode)].sort((a, b) =>
      Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
    );
    for (const entry of entries) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      yield {
        path: below,
        inode: entry.inode,
        attributes: entry.attributes ?? this.layer.attributes(entry.inode),
      };
      if (entry.type === 0o040000) yield* this.walk(below, entry.inode);
    }
  }
}

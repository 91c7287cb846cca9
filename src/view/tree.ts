import type { InodeNumber } from '../base/brands.js';
import type { Image, NodeIndex } from '../image/read.js';
import type { Writer } from '../manifest/types.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import type { GeneratedContent } from './generated.js';

/** One image as an environment shows it. */
export interface ViewLayer {
  image: Image;
  slot: number;
  requested: boolean;
  installer: string;
  directUrl: Readonly<Record<string, unknown>> | undefined;
  /** As `Layer.writer`. */
  writer?: Writer | undefined;
  /** As `Layer.scriptPython`. */
  scriptPython?: string | undefined;
  /** Of an own view: in the place of what the image says, by node; generated files have nodes too. */
  times?: ReadonlyMap<number, Kept>;
}

/** What stays of a file that was in the upper layer when it is shown from the store. */
export interface Kept {
  mtimeNs: bigint;
  /** Permission bits (9), where they are not those of the image or of what the view makes. */
  mode?: number;
}

/** A directory that the view itself holds, because more than one layer has a part in it. */
export interface ViewDirectory {
  kind: 'directory';
  inode: InodeNumber;
  mtimeNs: bigint;
  /** Permission bits where they are not 0755. */
  mode?: number;
  parent: ViewDirectory | undefined;
  entries: Map<string, ViewEntry>;
}

/** A directory that one image alone owns, shown by reference. */
export interface Graft {
  kind: 'graft';
  layer: number;
  node: NodeIndex;
}

/** A regular file of an image. */
export interface ImageEntry {
  kind: 'file';
  layer: number;
  node: NodeIndex;
}

export interface GeneratedEntry {
  kind: 'generated';
  inode: InodeNumber;
  mtimeNs: bigint;
  executable: boolean;
  /** Permission bits where `executable` does not tell them. */
  mode?: number;
  /** Layer that it belongs to; undefined for the venv's own files. */
  layer: number | undefined;
  content: GeneratedContent;
}

export interface LinkEntry {
  kind: 'link';
  inode: InodeNumber;
  mtimeNs: bigint;
  target: string;
}

export type ViewEntry = ViewDirectory | Graft | ImageEntry | GeneratedEntry | LinkEntry;

/** Two layers bring one file: the later one wins, as with pip. */
export interface Clash {
  path: string;
  earlier: string;
  later: string;
}

/** What composing one manifest gives. Never changed once composed. */
export interface View {
  environmentSerial: number;
  /** Directories of images are numbered by image serial (`.shenv`), not by slot. */
  numberedByImage: boolean;
  /** Regular files of images have numbers of the environment, and bytecode is checked: for an upper layer. */
  isOwn: boolean;
  root: ViewDirectory;
  layers: readonly ViewLayer[];
  /** Which directories of images are part of which directory of the view. */
  expanded: ReadonlyMap<string, ViewDirectory>;
  clashes: readonly Clash[];
  /** How many names composing looked at: grows with top-level names, not with files. */
  namesTouched: number;
  /** Undefined for a bare environment, which has no layers, and for `.shenv`. */
  interpreter: InterpreterRecord | undefined;
  systemSitePackages: boolean;
  /** site-packages relative to the environment's root. */
  sitePackages: string;
}

export function expandedKey(layer: number, node: NodeIndex): string {
  return `${layer}:${node}`;
}

import { type Digest, toDigest } from '../base/brands.js';

/**
 * Version of the manifest's payload. History: 1 (first version, in no release); 2 (layers as arrays,
 * digests as bytes, URLs of wheels, the option `bytecode`). A reader refuses any other.
 */
export const manifestVersion = 2;

/** The interpreter of a bare environment, which has no layers either: docs/writable.md. */
export const noInterpreter: Digest = toDigest('0'.repeat(64));

/** Which image a layer shows: a wheel by its digest, wherever the store keeps its image. */
export interface ImageReference {
  /** As the distribution's metadata writes it. */
  name: string;
  version: string;
  wheelDigest: Digest;
}

/** direct_url.json of a distribution that was asked for by URL or path (PEP 610); stored as given. */
export type DirectUrl = Readonly<Record<string, unknown>>;

/**
 * Whose forms the files have that an installer wrote (scripts, INSTALLER, RECORD), where they are not those of a pip of
 * the interpreter's time: those of older ones, or uv's. Of layers that were adopted.
 */
export type Writer = 'distlib' | 'uv';

export interface Layer {
  image: ImageReference;
  /** Constant for as long as this image stays in the environment; inode numbers are made of it. */
  slot: number;
  reason: 'requested' | 'dependency';
  /** Cache tag of the bytecode that is shown with it; a layer whose bytecode changes gets a new slot. */
  bytecode?: string;
  /** What INSTALLER says: the tool that chose and fetched the distribution. */
  installer: string;
  directUrl?: DirectUrl;
  /** Where others get the wheel, without credentials; for locks. */
  url?: string;
  /** Name of the environment that it is inherited from; its own layers have none. */
  from?: string;
  writer?: Writer;
  /** Name in `bin` of what its scripts start: `python3.12`; left out: `python`. Of layers that were adopted. */
  scriptPython?: string;
}

/** An environment whose layers lie under this one's. They are copied into this manifest: `Layer.from`. */
export interface Parent {
  name: string;
  /** A fixed generation; left out, this environment follows the newest one. */
  generation?: number;
  /** The generation whose layers are in this manifest. */
  seen: number;
  /** Normalized names of distributions that are not taken over. */
  omit: string[];
}

export interface ManifestOptions {
  systemSitePackages: boolean;
  /** New layers show bytecode. */
  bytecode: boolean;
  /** Normalized names of distributions that `upgrade --everywhere` leaves alone. */
  held: string[];
}

/** What made a generation. */
export interface Change {
  /** Milliseconds since 1970. */
  atMs: number;
  /** In the words of the command: `install numpy`. */
  what: string;
  /** The same in every environment that was changed together. */
  id?: string;
}

/** The overlay manifest: one generation of one environment. Immutable once written. */
export interface Manifest {
  version: typeof manifestVersion;
  name: string;
  /** The environment's number, 1 to 2^21-1, the same in all its generations. */
  serial: number;
  generation: number;
  change: Change;
  /**
   * The time that what no image brings is shown with: milliseconds since 1970, whole seconds, so that every
   * engine shows the same. A generation that restores an earlier one has its time.
   */
  createdMs: number;
  /** Key of the interpreter record (python/interpreter-record.ts), or `noInterpreter`. */
  interpreter: Digest;
  /** Earlier layers lie under later ones. */
  layers: Layer[];
  parents: Parent[];
  options: ManifestOptions;
  /** The slot that the next new layer gets. */
  nextSlot: number;
  /** The requirements as the user gave them. */
  requested: string[];
}

import type { Logger } from '../base/log.js';
import type { View } from '../view/tree.js';
import type { Renderer } from './renderer.js';
import type { Inherited, ShownJournal } from './shown-journal.js';
import type { Supervision } from './supervision.js';

/** Where an engine gets what it serves; composed on first use, so 10,000 environments cost nothing until used. */
export interface ViewSource {
  /**
   * What the mount shows, with environment serials: `.shenv` and each environment, or the one alone that it is
   * the root of, and nothing once that is deleted.
   */
  list(): readonly { name: string; environmentSerial: number }[];
  /** The name of the environment with this serial; undefined when it is gone. */
  nameOf(environmentSerial: number): string | undefined;
  /** The name of what brings the image with this serial, composed or not; undefined when nothing does. */
  nameBringing(imageSerial: number): Promise<string | undefined>;
  /** Undefined when there is no such environment; rejects when it cannot be composed. */
  load(name: string): Promise<View | undefined>;
}

export interface EngineOptions {
  mountpoint: string;
  source: ViewSource;
  renderer: Renderer;
  /** The one environment whose root is the mount's root; undefined where each is a folder of the root. */
  environment: string | undefined;
  /** Nothing is written, not in writable environments either. */
  isReadOnly: boolean;
  allowOther: boolean;
  /** Mounted for writing; left out: read-only. */
  writable?: boolean;
  /** Whose free space a writable mount shows. */
  statfsPath?: string;
  /** Report the real blocks of shared files, not 1. */
  fullBlocks: boolean;
  /** Images lie where each read waits for a server. */
  isStoreRemote: boolean;
  /** Worker threads, for engines that have them. */
  threads: number | undefined;
  /** Undefined where nobody starts another process when this one dies. */
  supervision: Supervision | undefined;
  /** Where a supervised engine notes what the kernel sees. */
  journal: ShownJournal | undefined;
  /** Of the process before this one, whose mount is to be taken over. */
  inherited: Inherited | undefined;
  /** Told what keeps the kernel from getting an answer. */
  log: Logger;
  /** Called once when the mount has ended, whoever ended it. */
  onEnd(): void;
}

/** What changed since an engine was last told. */
export interface Publication {
  /** Names at the root were added, removed or now mean another environment. */
  rootsChanged: boolean;
  /** Environments whose views were replaced; those not loaded are left out. */
  replaced: readonly { name: string; before: View; after: View | undefined }[];
  /** Environments that a process before this one showed otherwise, in a way that cannot be told any more. */
  forgotten: readonly { name: string; environmentSerial: number }[];
  /** Paths of images whose files were replaced: what is open or cached of them is of no use any more. */
  renewed: ReadonlySet<string>;
}

export interface EngineStatus {
  name: EngineName;
  /** Requests answered, by operation. */
  requests: Record<string, number>;
  /** Those of them that were answered with an error, ENOENT and the like too; empty where the engine does not count. */
  errors: Record<string, number>;
  /** What the kernel and the engine agreed on; empty where the engine cannot tell. */
  negotiated: Record<string, unknown>;
  details: Record<string, unknown>;
}

export const engineNames = ['kernel', 'fuse-native'] as const;
export type EngineName = (typeof engineNames)[number];

/** What answers the kernel. It reads no environment itself: it serves what the source composes. */
export interface Engine {
  readonly name: EngineName;
  /** Resolves when the mount answers. Throws ENGINE_UNAVAILABLE or MOUNT_FAILED. */
  mount(): Promise<void>;
  /** Resolves when no process can see the old state any more. */
  publish(publication: Publication): Promise<void>;
  /** Answers what was asked and asks for no more, so that another process can take over; undefined where none can. */
  handOver?(): Promise<void>;
  /** After a take-over: composes what the process before had composed. Never fails. */
  warm?(): Promise<void>;
  /** Ends serving; the mount is gone from the table or will be when its last user leaves. */
  unmount(lazy: boolean): Promise<void>;
  status(): EngineStatus;
}

/** The file of an image, and that of the wheel's image which has the contents of its sources. */
interface ImageFiles {
  path: string;
  base?: { path: string } | undefined;
}

/** Whether an image, or that which has the contents of its sources, is among those whose files were replaced. */
export function isRenewed({ path, base }: ImageFiles, renewed: ReadonlySet<string>): boolean {
  return renewed.has(path) || (base !== undefined && renewed.has(base.path));
}

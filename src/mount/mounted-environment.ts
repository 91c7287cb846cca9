import type { Logger } from '../base/log.js';
import type { UpperMark } from '../env/upper-folder.js';
import type { ImageName } from '../store/layout.js';
import type { View } from '../view/tree.js';
import type { ShownImages } from './shown-images.js';
import type { ShownGeneration, ShownJournal } from './shown-journal.js';
import type { RenderFile } from './writable/lower-contents.js';

export interface MountedEnvironment {
  environmentSerial: number;
  generation: number;
  /** Set from the first use on. */
  view: Promise<View> | undefined;
  /** What the view shows; known before it is composed. */
  images: readonly ImageName[];
  /** Its upper layer, if it has one; undefined until that was looked at. */
  upper?: UpperMark;
  /** The kernel may know it from a process before this one, though this one has not composed it. */
  wasShown?: boolean;
}

export interface MountedOptions {
  /** Content of `.shenv/status.json`. */
  status: () => string;
  /** Show this environment, or this generation of one (`web@3`), alone; no other is read, and there is no `.shenv`. */
  only: string | undefined;
  /** Told what is shown before it is opened. */
  shown: ShownImages;
  /** Told what is shown before the kernel sees it; undefined where nobody reads it. */
  journal: ShownJournal | undefined;
  /** Gives the bytes of a generated file. */
  render: RenderFile;
  log: Logger;
}

/** As the journal notes it. */
export function shownGeneration([name, { environmentSerial, generation }]: readonly [
  string,
  MountedEnvironment,
]): ShownGeneration {
  return { name, environmentSerial, generation };
}

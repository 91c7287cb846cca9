import { ShenvError } from '../../base/errors.js';
import { isSameMark, type UpperFolder, type UpperMark } from '../../env/upper-folder.js';
import { UpperLayer } from '../../upper/upper-layer.js';
import type { GeneratedEntry, View } from '../../view/tree.js';
import { LowerContents, type RenderFile } from './lower-contents.js';
import type { WritableEnvironment } from './requests.js';
import { UpperNews } from './upper-news.js';

/** How long the process before may need to end, when its mount is taken over. */
const lockWaitMs = 5_000;
/** Installers write it last. */
const recordName = 'RECORD';

interface Parts {
  upper: UpperLayer;
  news: UpperNews;
  mark: UpperMark;
  lower: LowerContents;
  render: RenderFile;
}

/** Of an environment that is to be shown. */
interface Opening {
  mark: UpperMark;
  /** By the process before this one: files without a name may be open. */
  wasShown: boolean;
}

/** The upper layer of one environment that a mount shows. */
export class ShownUpper implements WritableEnvironment {
  readonly upper: UpperLayer;
  readonly news: UpperNews;
  /** As it was when it was opened. */
  readonly mark: UpperMark;
  readonly #render: RenderFile;
  #lower: LowerContents;
  /** When it was changed last, in milliseconds since 1970; 0 while it was not. */
  changedMs = 0;
  /** The last file of a distribution was written since it was looked at last. */
  hasInstalled = false;

  constructor(parts: Parts) {
    this.upper = parts.upper;
    this.news = parts.news;
    this.mark = parts.mark;
    this.#lower = parts.lower;
    this.#render = parts.render;
  }

  prepare(entry: GeneratedEntry): Promise<void> {
    return this.#lower.prepare(entry);
  }

  /** Another generation, or another state, is shown from now on. */
  lieOver(view: View): void {
    if (view === this.#lower.view) return;
    this.#lower = new LowerContents(view, this.#render);
    this.upper.setLower(this.#lower);
  }

  forget(inode: bigint): void {
    this.upper.forget(inode);
    this.news.forgotten(inode);
  }

  named(inode: bigint): void {
    this.news.forgotten(inode);
  }

  changed(name: string | undefined): void {
    this.changedMs = Date.now();
    if (name === recordName) this.hasInstalled = true;
  }
}

/** The upper layers that this process holds, by the serials of their environments. */
export class UpperLayers {
  readonly #render: RenderFile;
  readonly #shown = new Map<number, ShownUpper>();
  readonly #opening = new Map<number, Promise<void>>();
  readonly #owner: { uid: number; gid: number } = {
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
  };

  constructor(render: RenderFile) {
    this.#render = render;
  }

  of(environmentSerial: number): ShownUpper | undefined {
    return this.#shown.get(environmentSerial);
  }

  all(): Iterable<[number, ShownUpper]> {
    return this.#shown;
  }

  /**
   * Reads what is there, for the first view that is made of the environment since it was made writable, or frozen. Takes
   * the lock of one that is writable; any number of processes shows a frozen one. Throws ENVIRONMENT_BUSY.
   */
  async open(folder: UpperFolder, view: View, at: Opening): Promise<void> {
    const { environmentSerial } = view;
    const shown = this.#shown.get(environmentSerial);
    if (shown && isSameMark(shown.mark, at.mark)) return;
    const opening = this.#opening.get(environmentSerial) ?? this.#open(folder, view, at);
    this.#opening.set(environmentSerial, opening);
    await opening.finally(() => this.#opening.delete(environmentSerial));
  }

  async #open(folder: UpperFolder, view: View, { mark, wasShown }: Opening): Promise<void> {
    const { environmentSerial } = view;
    const before = this.#shown.get(environmentSerial);
    const news = new UpperNews();
    const lower = new LowerContents(view, this.#render);
    try {
      const upper = await UpperLayer.open({
        folder: folder.path,
        environmentSerial,
        lower,
        isTakenOver: wasShown || before !== undefined,
        lockWaitMs: wasShown ? lockWaitMs : 0,
        events: news,
        owner: this.#owner,
      });
      if (upper.isFrozen !== (mark.state === 'frozen')) {
        upper.close();
        throw changedMeanwhile(folder);
      }
      const shown = new ShownUpper({ upper, news, mark, lower, render: this.#render });
      this.#shown.set(environmentSerial, shown);
      before?.upper.close();
    } catch (error) {
      // What was frozen can be shown on; what was writable is so no more.
      if (before?.mark.state === 'writable') this.#giveBack(environmentSerial, before);
      throw error;
    }
  }

  /** Gives back what is not shown any more. */
  keepOnly(environmentSerials: ReadonlySet<number>): void {
    for (const [serial, shown] of this.#shown)
      if (!environmentSerials.has(serial)) this.#giveBack(serial, shown);
  }

  #giveBack(environmentSerial: number, { upper }: ShownUpper): void {
    upper.close();
    this.#shown.delete(environmentSerial);
  }
}

function changedMeanwhile({ path }: UpperFolder): ShenvError {
  const message = `'${path}' was sealed or made writable just now`;
  return new ShenvError('ENVIRONMENT_BUSY', message, { hint: 'It is shown when it is used again.', path });
}

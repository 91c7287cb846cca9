import type { UpperFolder, UpperState } from '../../env/upper-folder.js';
import { UpperLayer } from '../../upper/upper-layer.js';
import type { GeneratedEntry, View } from '../../view/tree.js';
import { LowerContents, type RenderFile } from './lower-contents.js';
import type { WritableEnvironment } from './requests.js';
import { UpperNews } from './upper-news.js';

/** Installers write it last. */
const recordName = 'RECORD';

/** The upper layer of one environment that a mount shows. */
export class ShownUpper implements WritableEnvironment {
  readonly upper: UpperLayer;
  readonly news: UpperNews;
  readonly #render: RenderFile;
  #lower: LowerContents;
  /** When it was changed last, in milliseconds since 1970; 0 while it was not. */
  changedMs = 0;
  /** The last file of a distribution was written since it was looked at last. */
  hasInstalled = false;

  constructor(parts: { upper: UpperLayer; news: UpperNews; lower: LowerContents; render: RenderFile }) {
    this.upper = parts.upper;
    this.news = parts.news;
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
   * Takes the lock and reads what is there, for the first view that is made of the environment. `wasShown`: by the process
   * before this one, so that files without a name may be open. Throws ENVIRONMENT_BUSY.
   */
  async open(folder: UpperFolder, view: View, wasShown: boolean): Promise<void> {
    const { environmentSerial } = view;
    if (this.#shown.has(environmentSerial)) return;
    const opening = this.#opening.get(environmentSerial) ?? this.#open(folder, view, wasShown);
    this.#opening.set(environmentSerial, opening);
    await opening.finally(() => this.#opening.delete(environmentSerial));
  }

  async #open(folder: UpperFolder, view: View, wasShown: boolean): Promise<void> {
    const { environmentSerial } = view;
    const news = new UpperNews();
    const lower = new LowerContents(view, this.#render);
    const upper = await UpperLayer.open({
      folder: folder.path,
      environmentSerial,
      lower,
      isTakenOver: wasShown,
      events: news,
      owner: this.#owner,
    });
    this.#shown.set(environmentSerial, new ShownUpper({ upper, news, lower, render: this.#render }));
  }

  /** What the folder says: it may have been sealed or unsealed by a command. */
  follow(environmentSerial: number, state: UpperState): void {
    this.#shown.get(environmentSerial)?.upper.setFrozen(state === 'frozen');
  }

  /** Gives back what is not shown any more. */
  keepOnly(environmentSerials: ReadonlySet<number>): void {
    for (const [serial, { upper }] of this.#shown) {
      if (environmentSerials.has(serial)) continue;
      upper.close();
      this.#shown.delete(serial);
    }
  }
}

import type { Workspace } from '../env/workspace.js';
import { Image } from '../image/read.js';
import { Outlines } from '../store/outlines.js';
import { controlName } from '../view/control-view.js';

/**
 * What brings the image with a serial: an environment, else `.shenv`, which shows all of the store. It is asked for file
 * handles that are older than the daemon, which nothing has been composed for yet; so nothing is read before the first
 * question, and no more than finds the answer. From the images' outlines: about 0.1 ms each.
 */
export class BroughtImages {
  readonly #workspace: Workspace;
  /** By the image's serial and by that of the image which has the contents of its sources. */
  readonly #names = new Map<number, string>();
  readonly #read = new Set<string>();

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  /** What was found may be true no more. */
  forget(): void {
    this.#names.clear();
    this.#read.clear();
  }

  /** `environments` are searched in their order, each in its generation. What cannot be read brings nothing. */
  async find(
    imageSerial: number,
    environments: Iterable<readonly [name: string, { generation: number }]>,
  ): Promise<string | undefined> {
    for (const [name, { generation }] of environments) {
      await this.#readOnce(name, () => this.#readEnvironment(name, generation));
      const found = this.#names.get(imageSerial);
      if (found !== undefined) return found;
    }
    await this.#readOnce(controlName, () => this.#readStore());
    return this.#names.get(imageSerial);
  }

  async #readOnce(name: string, read: () => Promise<void>): Promise<void> {
    if (this.#read.has(name)) return;
    await read().catch(() => undefined);
    this.#read.add(name);
  }

  async #readEnvironment(name: string, generation: number): Promise<void> {
    const { environments, store } = this.#workspace;
    const outlines = new Outlines(store);
    for (const { image, bytecode } of (await environments.read(name, generation)).layers) {
      this.#note(outlines.find(image), name);
      if (bytecode !== undefined) this.#note(outlines.find(image, bytecode), name);
    }
  }

  async #readStore(): Promise<void> {
    for await (const { path, part } of this.#workspace.store.list()) {
      this.#note(outlineOf(path, part.trust), controlName);
    }
  }

  #note(image: Image | undefined, name: string): void {
    if (image && !this.#names.has(image.serial)) this.#names.set(image.serial, name);
  }
}

/** Undefined for what is damaged, gone, or nobody's who is believed: it is not shown either. */
function outlineOf(path: string, trust: Parameters<typeof Image.outline>[1]): Image | undefined {
  try {
    return Image.outline(path, trust);
  } catch {
    return undefined;
  }
}

import { dirname } from 'node:path';
import { readFully } from '../../base/read-fully.js';
import { openTrusted, Trust } from '../../base/trust.js';
import { decodeSealedInputs, type SealedSection } from './format.js';

/** How long they stay in memory; who lists packages looks at all of them within seconds. */
const keptMs = 30_000;

/** The inputs of generated files of one sealed file, read as a whole when the first one is asked for. */
export class SealedInputs {
  readonly #path: string;
  readonly #section: SealedSection;
  #loaded: Promise<ReadonlyMap<string, Buffer>> | undefined;

  constructor(path: string, section: SealedSection) {
    this.#path = path;
    this.#section = section;
  }

  /** Undefined for what is not among them, and where the file is gone or damaged: then the image has it. */
  async read(image: number, node: number): Promise<Buffer | undefined> {
    this.#loaded ??= this.#load();
    return (await this.#loaded).get(`${image}:${node}`);
  }

  async #load(): Promise<ReadonlyMap<string, Buffer>> {
    setTimeout(() => {
      this.#loaded = undefined;
    }, keptMs).unref();
    const inputs = await this.#readSection().catch(() => []);
    return new Map(inputs.map(([image, node, data]) => [`${image}:${node}`, data]));
  }

  async #readSection() {
    const { offset, storedBytes } = this.#section;
    const file = await openTrusted(this.#path, Trust.ofFolder(dirname(this.#path)));
    try {
      return await decodeSealedInputs(await readFully(file, offset, storedBytes), this.#section);
    } finally {
      await file.close();
    }
  }
}

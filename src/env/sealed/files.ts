import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile, syncFolder } from '../../base/atomic-write.js';
import { sha256 } from '../../base/digest.js';
import { unless } from '../../base/errors.js';
import { encodeManifest } from '../../manifest/codec.js';
import { type Manifest, noInterpreter } from '../../manifest/types.js';

const pattern = /^(\d{8})-[0-9a-f]{16}\.sealed$/;
const generationDigits = 8;
const digestDigits = 16;

/** Makes the sealed metadata of a generation: make.ts. */
export type MakeSealed = (manifest: Manifest) => Promise<Buffer>;

/**
 * The files `<generation>-<digest of its manifest>.sealed` in the folders of environments. An environment that has one
 * is sealed: each further generation gets one before it is published.
 */
export class SealedFiles {
  readonly #folder: string;
  readonly #make: MakeSealed | undefined;

  /** `folder` has a folder for each environment. Without `make` nothing is sealed: only for who just reads. */
  constructor(folder: string, make: MakeSealed | undefined) {
    this.#folder = folder;
    this.#make = make;
  }

  /** Where those of a generation are, if there are any. */
  pathOf(manifest: Manifest): string {
    const digest = sha256(encodeManifest(manifest)).slice(0, digestDigits);
    const number = String(manifest.generation).padStart(generationDigits, '0');
    return join(this.#folder, manifest.name, `${number}-${digest}.sealed`);
  }

  async has(name: string): Promise<boolean> {
    return (await this.#list(name)).length > 0;
  }

  /** Durable, in one step, in place of what the generation has. */
  async write(manifest: Manifest, sealed: Buffer): Promise<string> {
    const path = this.pathOf(manifest);
    await replaceFile(path, sealed);
    return path;
  }

  /** For a generation that is to be published, of an environment that is sealed; the path, or undefined. Bare ones have none. */
  async prepare(manifest: Manifest): Promise<string | undefined> {
    if (!this.#make || manifest.interpreter === noInterpreter || !(await this.has(manifest.name)))
      return undefined;
    return this.write(manifest, await this.#make(manifest));
  }

  /** What `prepare` has made, of a generation that did not come to be. Never fails. */
  async takeBack(prepared: string | undefined): Promise<void> {
    if (prepared !== undefined) await unlink(prepared).catch(() => undefined);
  }

  /** Those of the generations that `isDoomed` picks; false where the environment has none at all. */
  async remove(name: string, isDoomed: (generation: number) => boolean): Promise<boolean> {
    const files = await this.#list(name);
    const doomed = files.filter((file) => isDoomed(Number(pattern.exec(file)![1])));
    for (const file of doomed) await unless('ENOENT', unlink(join(this.#folder, name, file)));
    if (doomed.length > 0) await syncFolder(join(this.#folder, name));
    return files.length > 0;
  }

  async #list(name: string): Promise<string[]> {
    const files = await unless('ENOENT', readdir(join(this.#folder, name)));
    return (files ?? []).filter((file) => pattern.test(file));
  }
}

import type { Serial } from '../base/brands.js';
import { ShenvError } from '../base/errors.js';
import type { Image } from '../image/read.js';

/** What of an image the kernel keeps under its inode numbers: two images that are equal in it are one to it. */
export function contentsOf({ header, wheelDigest }: Image): string {
  const { nodes, names, digests } = header.sections;
  return [
    wheelDigest,
    header.kind,
    ...[nodes, names, digests].map(({ digest }) => digest.toString('hex')),
  ].join(' ');
}

/**
 * Serials of the images that a mount has shown, for as long as it lives. Inode numbers are made of them, and the kernel
 * keeps what it has read of an inode, so a serial must never stand for two images.
 */
export class ShownSerials {
  /** `contents` is undefined while the file may have become another one. */
  readonly #known = new Map<Serial, { contents: string | undefined; path: string }>();

  /** Throws SERIAL_CLASH where another image has this one's serial. */
  admit(image: Image): void {
    const contents = contentsOf(image);
    const known = this.#known.get(image.serial);
    if (known?.contents === contents) return;
    if (known && !(known.contents === undefined && known.path === image.path)) {
      throw new ShenvError(
        'SERIAL_CLASH',
        `${image.path} has the number ${image.serial}, which this mount knows as ${known.path}`,
        {
          hint: 'Run `shenv-fs store renumber`; where that does not help, unmount and mount again.',
          path: image.path,
          found: known.path,
        },
      );
    }
    this.#known.set(image.serial, { contents, path: image.path });
  }

  /** The files at `paths` were replaced, and the kernel is told; under its serial each may have other contents now. */
  renew(paths: ReadonlySet<string>): void {
    for (const known of this.#known.values()) if (paths.has(known.path)) known.contents = undefined;
  }
}

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** SHA-256 as 64 lower-case hexadecimal digits. */
export type Digest = Branded<string, 'Digest'>;
/** A store's number for one image: 1 to 2^31-1, given once, never reused. */
export type Serial = Branded<number, 'Serial'>;
/** 64-bit inode number, as view/inode.ts computes it. */
export type InodeNumber = Branded<bigint, 'InodeNumber'>;
/** Slash-separated, no leading slash, no empty, '.' or '..' part. */
export type RelativePath = Branded<string, 'RelativePath'>;

const digestPattern = /^[0-9a-f]{64}$/;

/** Throws TypeError when `text` is not a SHA-256 in hexadecimal. */
export function toDigest(text: string): Digest {
  if (!digestPattern.test(text)) throw new TypeError(`not a SHA-256 digest: ${text}`);
  return text as Digest;
}

const maxSerial = 2 ** 31 - 1;

/** Throws RangeError outside 1 to 2^31-1. */
export function toSerial(value: number): Serial {
  if (!Number.isInteger(value) || value < 1 || value > maxSerial) {
    throw new RangeError(`not a serial: ${value}`);
  }
  return value as Serial;
}

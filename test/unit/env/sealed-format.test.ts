import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { sha256 } from '../../../src/base/digest.js';
import { pack } from '../../../src/base/msgpack.js';
import {
  decodeSealedHeader,
  decodeSealedInputs,
  decodeSealedMetadata,
  encodeSealed,
  SealedFault,
  type SealedImage,
  type SealedInput,
  type SealedMetadata,
  sealedHeaderBytes,
} from '../../../src/env/sealed/format.js';

const manifest = sha256(Buffer.from('manifest'));
const stamp = { sizeBytes: 5000, mtimeSeconds: 1_700_000_000 };
const image: SealedImage = {
  store: 0,
  path: 'a/1.0/a.img',
  stamp,
  metadata: Buffer.from('first'),
  base: null,
};
const sound = {
  interpreter: { version: '3.11.7' } as never,
  renewals: [''],
  images: [image, { ...image, path: 'a/1.0/a.cpython-311.img', base: 0 }],
  layers: [1],
} satisfies SealedMetadata;
const inputs: SealedInput[] = [[0, 7, Buffer.from('RECORD')]];

/** What decoding the whole of it gives. */
async function decode(data: Buffer) {
  const header = decodeSealedHeader(data, data.length);
  const part = ({ offset, storedBytes }: { offset: number; storedBytes: number }) =>
    data.subarray(offset, offset + storedBytes);
  return {
    manifest: header.manifest,
    metadata: await decodeSealedMetadata(part(header.metadata), header.metadata),
    inputs: await decodeSealedInputs(part(header.inputs), header.inputs),
  };
}

async function refusedFor(t: ExecutionContext, rule: RegExp, data: Buffer): Promise<void> {
  const error = await t.throwsAsync(decode(data), { instanceOf: SealedFault });
  t.regex(error.message, rule);
}

/** The digest of the header made right again. */
function sign(data: Buffer): Buffer {
  createHash('sha256').update(data.subarray(0, 160)).digest().copy(data, 160);
  return data;
}

test('what is encoded is decoded again', async (t) => {
  t.deepEqual(await decode(await encodeSealed(manifest, sound, inputs)), {
    manifest,
    metadata: sound,
    inputs,
  });
});

test('equal metadata give equal bytes', async (t) => {
  t.deepEqual(await encodeSealed(manifest, sound, inputs), await encodeSealed(manifest, sound, inputs));
});

test('every byte counts: one that is changed has the file refused', async (t) => {
  const data = await encodeSealed(manifest, sound, inputs);
  for (let at = 0; at < data.length; at += 1) {
    const damaged = Buffer.from(data);
    damaged[at]! ^= 1;
    await t.throwsAsync(decode(damaged), { instanceOf: SealedFault }, `byte ${at}`);
  }
});

test('every length counts: a file that is cut, or goes on, is refused', async (t) => {
  const data = await encodeSealed(manifest, sound, inputs);
  for (let length = 0; length < data.length; length += 1)
    await t.throwsAsync(decode(data.subarray(0, length)), { instanceOf: SealedFault }, `${length} bytes`);
  await refusedFor(t, /bytes, not/, Buffer.concat([data, Buffer.alloc(1)]));
});

test('another version is refused as such', async (t) => {
  const data = await encodeSealed(manifest, sound, inputs);
  data.writeUInt32LE(2, 8);
  await refusedFor(t, /its version is 2/, sign(data));
});

test('sections that overlap, leave a gap, or are too large are refused, with digests that are right', async (t) => {
  const data = await encodeSealed(manifest, sound, inputs);
  const changed = (at: number, value: bigint) => {
    const copy = Buffer.from(data);
    copy.writeBigUInt64LE(value, at);
    return sign(copy);
  };
  await refusedFor(t, /follow each other/, changed(48, BigInt(sealedHeaderBytes + 8)));
  await refusedFor(t, /follow each other/, changed(104, BigInt(sealedHeaderBytes)));
  await refusedFor(t, /too large/, changed(56, 2n ** 40n));
  await refusedFor(t, /too large/, changed(64, 2n ** 40n));
});

test('a section that inflates to more or less than it says is refused', async (t) => {
  const data = await encodeSealed(manifest, sound, inputs);
  const told = data.readBigUInt64LE(64);
  for (const wrong of [told - 1n, told + 1n, 0n]) {
    const copy = Buffer.from(data);
    copy.writeBigUInt64LE(wrong, 64);
    await refusedFor(t, /section/, sign(copy));
  }
});

/** A file with these metadata and digests that are right, whoever wrote it. */
async function hostile(metadata: unknown): Promise<Buffer> {
  return encodeSealed(manifest, metadata as SealedMetadata, []);
}

const wrong: [title: string, metadata: unknown][] = [
  ['nothing', null],
  ['a list', []],
  ['no interpreter', { ...sound, interpreter: null }],
  ['renewals that are numbers', { ...sound, renewals: [1] }],
  ['an image without metadata', { ...sound, images: [{ ...image, metadata: 'text' }] }],
  ['an image outside of the store', { ...sound, images: [{ ...image, path: '../../x.img' }] }],
  ['an image at a path from the root', { ...sound, images: [{ ...image, path: '/etc/passwd' }] }],
  ['an image at a path with NUL', { ...sound, images: [{ ...image, path: 'a/b/c\0' }] }],
  ['an image of a store before the first', { ...sound, images: [{ ...image, store: -1 }] }],
  ['a size that is no number', { ...sound, images: [{ ...image, stamp: { ...stamp, sizeBytes: 'x' } }] }],
  ['a base that comes later', { ...sound, images: [{ ...image, base: 1 }, image] }],
  ['a base that is the image itself', { ...sound, images: [{ ...image, base: 0 }] }],
  ['a layer of an image that there is none of', { ...sound, layers: [2] }],
  ['a layer that is no whole number', { ...sound, layers: [0.5] }],
];
for (const [title, metadata] of wrong)
  test(`metadata with ${title} are refused`, async (t) =>
    refusedFor(t, /not of the known form/, await hostile(metadata)));

test('inputs that are not of the known form are refused', async (t) => {
  const plain = pack([[0, 'x', Buffer.alloc(1)]]);
  const stored = deflateRawSync(plain);
  const digest = createHash('sha256').update(stored).digest();
  const section = { offset: 0, storedBytes: stored.length, plainBytes: plain.length, digest };
  await t.throwsAsync(decodeSealedInputs(stored, section), { message: /not of the known form/ });
});

import test from 'ava';
import { sha256 } from '../../../src/base/digest.js';
import { decodeManifest, encodeManifest } from '../../../src/manifest/codec.js';
import { dumpManifest } from '../../../src/manifest/dump.js';
import type { Manifest } from '../../../src/manifest/types.js';
import { matchesGolden } from '../../support/golden.js';
import { refused } from '../../support/refusal.js';

const digest = sha256(Buffer.from('wheel'));
const manifest: Manifest = {
  version: 2,
  name: 'démo env',
  serial: 2 ** 21 - 1,
  generation: 3,
  change: { atMs: 1_700_000_000_123, what: 'install idna>=3' },
  createdMs: 1_700_000_000_000,
  interpreter: sha256(Buffer.from('interpreter')),
  layers: [
    {
      image: { name: 'idna', version: '3.7', wheelDigest: digest },
      slot: 1,
      reason: 'dependency',
      installer: 'pip',
      bytecode: 'cpython-311',
      url: 'https://example.org/idna-3.7-py3-none-any.whl',
      from: 'base',
    },
    {
      image: { name: 'Local', version: '1', wheelDigest: digest },
      slot: 4,
      reason: 'requested',
      installer: 'pip',
      directUrl: { url: 'file:///wheels/local.whl', archive_info: { hashes: { sha256: digest } } },
    },
  ],
  parents: [
    { name: 'base', generation: 2, seen: 2, omit: ['idna'] },
    { name: 'other', seen: 7, omit: [] },
  ],
  options: { systemSitePackages: true, bytecode: true, held: [] },
  nextSlot: 5,
  requested: ['idna>=3', './local.whl'],
};

test('a manifest comes back as it was written', (t) => {
  t.deepEqual(decodeManifest(encodeManifest(manifest), 'x'), manifest);
});

test('equal manifests give equal bytes', (t) => {
  t.true(encodeManifest(manifest).equals(encodeManifest(structuredClone(manifest))));
});

test('the text form of a manifest is what it was', async (t) => {
  await matchesGolden(t, 'manifest.dump', dumpManifest(manifest));
});

test('any flipped bit is found', async (t) => {
  const data = encodeManifest(manifest);
  for (let at = 0; at < data.length; at += 1) {
    const damaged = Buffer.from(data);
    damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << (at % 8)), at);
    await refused(t, 'MANIFEST_DAMAGED', ['place.manifest'], () => decodeManifest(damaged, 'place.manifest'));
  }
});

test('a manifest cut or extended anywhere is refused', async (t) => {
  const data = encodeManifest(manifest);
  for (let length = 0; length < data.length; length += 1)
    await refused(t, 'MANIFEST_DAMAGED', [], () => decodeManifest(data.subarray(0, length), 'x'));
  await refused(t, 'MANIFEST_DAMAGED', ['length'], () =>
    decodeManifest(Buffer.concat([data, Buffer.alloc(1)]), 'x'),
  );
});

test('a newer version is named', async (t) => {
  const data = encodeManifest(manifest);
  data.writeUInt32LE(3, 8);
  await refused(t, 'MANIFEST_DAMAGED', ['version is 3'], () => decodeManifest(data, 'x'));
});

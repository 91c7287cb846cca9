import test from 'ava';
import {
  decodeSetattr,
  encodeAttributes,
  encodeCreated,
  encodeEntry,
  encodeListing,
  encodeMissing,
  encodeValue,
  type ListedName,
  nameAt,
  nameIn,
  namesIn,
} from '../../../../src/mount/writable/wire.js';
import type { FileAttributes } from '../../../../src/upper/attributes.js';

/** Bytes of fields, each written in hexadecimal as it lies in memory: least significant byte first. */
function bytesOf(...fields: readonly string[]): Buffer {
  return Buffer.from(fields.join('').replaceAll(' ', ''), 'hex');
}

const none4 = '00000000';
const none8 = '0000000000000000';
/** 0x7fffffff seconds. */
const endless = 'ffffff7f00000000';

const attributes: FileAttributes = {
  inode: 0x8000_0102_0304_0506n,
  mode: 0o100644,
  nlink: 2,
  uid: 1000,
  gid: 1001,
  rdev: 0x0501,
  size: 0x1_0000_0203,
  blocks: 24,
  atimeNs: 1_000_000_005n,
  mtimeNs: 1_700_000_000_123_456_789n,
  ctimeNs: -1n,
  isLower: false,
};

/** `struct fuse_attr` of them. */
const attr = [
  '0605040302010080', // ino
  '0302000001000000', // size
  '1800000000000000', // blocks
  '0100000000000000', // atime
  '00f1536500000000', // mtime
  'ffffffffffffffff', // ctime
  '05000000', // atimensec
  '15cd5b07', // mtimensec
  'ffc99a3b', // ctimensec: 999,999,999
  'a4810000', // mode
  '02000000', // nlink
  'e8030000', // uid
  'e9030000', // gid
  '01050000', // rdev
  '00100000', // blksize
  none4, // flags
];

/** `struct fuse_entry_out` up to its attributes. */
const entryHead = [
  '0100000000000000', // nodeid
  none8, // generation
  endless, // entry_valid
  endless, // attr_valid
  none4, // entry_valid_nsec
  none4, // attr_valid_nsec
];

test('an entry is fuse_entry_out, and times before 1970 have nanoseconds that count up', (t) => {
  t.deepEqual(encodeEntry(1n, attributes), bytesOf(...entryHead, ...attr));
});

test('a name that is not there is an entry without a node id, valid without end', (t) => {
  t.deepEqual(encodeMissing(), bytesOf(none8, none8, endless, ...Array<string>(13).fill(none8)));
});

test('attributes are fuse_attr_out', (t) => {
  t.deepEqual(encodeAttributes(attributes), bytesOf(endless, none4, none4, ...attr));
});

test('a size that is not known is 0', (t) => {
  const encoded = encodeAttributes({ ...attributes, size: undefined });
  t.deepEqual(encoded.subarray(24, 32), bytesOf(none8));
});

test('what was created is fuse_entry_out and fuse_open_out with FOPEN_KEEP_CACHE', (t) => {
  const open = [none8, '02000000', none4];
  t.deepEqual(encodeCreated(1n, attributes), bytesOf(...entryHead, ...attr, ...open));
});

/** `struct fuse_setattr_in`, whose fields all have a value; `valid` says which count. */
function setattr(valid: string): Buffer {
  return bytesOf(
    valid,
    none4, // padding
    '0900000000000000', // fh
    '0302000001000000', // size
    '0800000000000000', // lock_owner
    '0100000000000000', // atime
    'feffffffffffffff', // mtime: 2 s before 1970
    '0300000000000000', // ctime
    '05000000', // atimensec
    '06000000', // mtimensec
    '07000000', // ctimensec
    'ed890000', // mode: a regular file of 04755
    none4, // unused4
    'e8030000', // uid
    'e9030000', // gid
    none4, // unused5
  );
}

test('of fuse_setattr_in what is valid is told, the mode without its type', (t) => {
  t.deepEqual(decodeSetattr(setattr('3f000000')), {
    mode: 0o4755,
    uid: 1000,
    gid: 1001,
    size: 0x1_0000_0203,
    atime: 1_000_000_005n,
    mtime: -1_999_999_994n,
  });
  t.deepEqual(decodeSetattr(setattr('08000000')), { size: 0x1_0000_0203 });
  t.deepEqual(decodeSetattr(setattr('00000000')), {});
});

test('times that are to be now are so, whatever their fields say; ctime and handles are left aside', (t) => {
  t.deepEqual(decodeSetattr(setattr('b0010000')), { atime: 'now', mtime: 'now' });
  t.deepEqual(decodeSetattr(setattr('40060000')), {});
});

test('a fuse_setattr_in that is too short throws', (t) => {
  t.throws(() => decodeSetattr(setattr('00000000').subarray(0, 87)), { instanceOf: RangeError });
});

test('names end at their NUL, one that lacks it at the end of the body', (t) => {
  const body = Buffer.from('....old\0né\0');
  t.deepEqual(nameAt(body, 4), { name: 'old', end: 8 });
  t.deepEqual(namesIn(body, 4), ['old', 'né']);
  t.is(nameIn(Buffer.from('cut'), 0), 'cut');
});

test('a name that is no UTF-8 has no text, and where it is needed throws EILSEQ', (t) => {
  const latin = Buffer.from('caf\xe9\0old\0', 'latin1');
  t.deepEqual(nameAt(latin, 0), { name: undefined, end: 5 });
  t.throws(() => nameIn(latin, 0), { code: 'EILSEQ' });
  t.throws(() => namesIn(latin, 0), { code: 'EILSEQ' });
  const after = Buffer.from('old\0caf\xe9\0', 'latin1');
  t.throws(() => namesIn(after, 0), { code: 'EILSEQ' });
});

test('an attribute is told whole or not at all; a size of 0 asks how long it is', (t) => {
  const value = Buffer.from('value');
  t.deepEqual(encodeValue(value, 0), bytesOf('05000000', none4));
  t.deepEqual(encodeValue(value, 5), value);
  t.is(encodeValue(value, 4), undefined);
});

const file: ListedName = { name: 'a.py', inode: 5n, mode: 0o100644, cookie: 3, entry: undefined };
const folder: ListedName = { name: 'eightby8', inode: 6n, mode: 0o040755, cookie: 4, entry: undefined };

/** `struct fuse_dirent`: ino, off, namelen, type (DT_REG 8, DT_DIR 4), the name, padded to 8 bytes. */
const fileRecord = ['0500000000000000', '0300000000000000', '04000000', '08000000', '612e7079', none4];
const folderRecord = ['0600000000000000', '0400000000000000', '08000000', '04000000', '6569676874627938'];

test('a listing is made of fuse_dirent', (t) => {
  t.deepEqual(encodeListing([file, folder], 4096, false), bytesOf(...fileRecord, ...folderRecord));
});

test('a listing with attributes is made of fuse_direntplus; without them the node id is 0', (t) => {
  const known = { ...file, entry: { nodeId: 1n, attributes } };
  const unknown = Array<string>(16).fill(none8);
  t.deepEqual(
    encodeListing([known, folder], 4096, true),
    bytesOf(...entryHead, ...attr, ...fileRecord, ...unknown, ...folderRecord),
  );
});

test('a listing has the records that fit whole, and takes no name beyond the first that does not', (t) => {
  const taken: string[] = [];
  function* names() {
    for (const listed of [file, folder, file]) {
      taken.push(listed.name);
      yield listed;
    }
  }
  t.deepEqual(encodeListing(names(), 63, false), bytesOf(...fileRecord));
  t.deepEqual(taken, ['a.py', 'eightby8']);
  t.is(encodeListing([file], 31, false).length, 0);
  t.is(encodeListing([file, folder], 64, false).length, 64);
});

import { closeSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type LogEntry, Logger } from '../../../../src/base/log.js';
import { WritableRequests } from '../../../../src/mount/writable/requests.js';
import { opcodes } from '../../../../src/mount/writable/wire.js';
import { environmentInode, rootInode } from '../../../../src/view/inode.js';
import type { GeneratedEntry } from '../../../../src/view/tree.js';
import { eventually } from '../../../support/eventually.js';
import { bodyOf, FakeAnswers, requestOf } from '../../../support/forwarded.js';
import { TestLayer } from '../../../support/upper-layers.js';

const { errno } = constants;
const specs = [{ name: 'one', files: { 'site/one.py': 'one' } }];
/** Of `TestLower`. */
const serial = 3;

/** One environment of a mount, and what is asked of it. */
class Served {
  readonly session = new FakeAnswers();
  readonly logged: LogEntry[] = [];
  readonly changes: (string | undefined)[] = [];
  readonly named: bigint[] = [];
  readonly forgotten: bigint[] = [];
  /** Contents that are being made; the test ends it. */
  readonly making: { done(): void; fail(error: Error): void }[] = [];
  readonly layer: TestLayer;
  readonly requests: WritableRequests;
  #token = 0;

  private constructor(layer: TestLayer) {
    this.layer = layer;
    const log = new Logger({ level: 'debug', sinks: [(entry) => this.logged.push(entry)] });
    const environment = {
      get upper() {
        return layer.layer;
      },
      prepare: (entry: GeneratedEntry) => this.#prepare(entry),
      forget: (inode: bigint) => void this.forgotten.push(inode),
      named: (inode: bigint) => void this.named.push(inode),
      changed: (name: string | undefined) => void this.changes.push(name),
    };
    this.requests = new WritableRequests({
      session: this.session,
      environmentOf: (asked) => (asked === serial ? environment : undefined),
      roots: undefined,
      nodeIdOf: (inode) => inode,
      inodeOf: (nodeId) => nodeId,
      log,
    });
  }

  static async make(t: ExecutionContext): Promise<Served> {
    const served = new Served(await TestLayer.make(t, specs));
    t.teardown(() => {
      for (const { fd } of served.session.backings) closeSync(fd);
    });
    return served;
  }

  #prepare(entry: GeneratedEntry): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = () => {
        this.layer.lower.make(entry);
        resolve();
      };
      this.making.push({ done, fail: reject });
    });
  }

  /** Gives the token of the request. */
  readonly ask = (opcode: number, inode: bigint, body?: Buffer): number => {
    this.#token += 1;
    this.requests.handle(requestOf(this.#token, opcode, inode, body));
    return this.#token;
  };

  readonly mkdir = (name: string): number => this.ask(opcodes.mkdir, this.layer.root, bodyOf(0o755, 0, name));

  /** The errno of a request that is answered at once. */
  errnoAtOnce(opcode: number, inode: bigint, body?: Buffer): number | undefined {
    return this.session.errnoOf(this.ask(opcode, inode, body));
  }
}

test('where none waits, a request has its answer when it was handed over', async (t) => {
  const { session, layer, mkdir } = await Served.make(t);
  const token = mkdir('new');
  t.is(session.errnoOf(token), 0);
  t.is(session.bodies.get(token)!.readBigUInt64LE(0), layer.inodeOf('new'));
});

test('a content that is missing is made, then the request is carried out; what came meanwhile follows it', async (t) => {
  const { session, layer, making, mkdir, ask } = await Served.make(t);
  const write = ask(opcodes.write, layer.inodeOf('bin/activate'));
  const [first, second] = [mkdir('first'), mkdir('second')];
  t.deepEqual(session.order, []);
  t.is(making.length, 1);
  making[0]!.done();
  await session.answered(3);
  t.deepEqual(session.order, [write, first, second]);
  t.deepEqual(session.retried, [write]);
  t.is(session.backings[0]!.inode, layer.inodeOf('bin/activate'));
  t.is(making.length, 1);
  const next = mkdir('third');
  t.is(session.order.at(-1), next, 'nobody waits any more');
});

test('each of two contents in a row is made when it is missed', async (t) => {
  const { session, layer, making, ask } = await Served.make(t);
  const tokens = ['bin/activate', 'pyvenv.cfg'].map((path) => ask(opcodes.write, layer.inodeOf(path)));
  t.is(making.length, 1);
  making[0]!.done();
  await eventually(async () => making.length === 2, 'the second content is asked for');
  t.deepEqual(session.retried, tokens.slice(0, 1));
  making[1]!.done();
  await session.answered(2);
  t.deepEqual(session.retried, tokens);
});

test('a content that cannot be made fails its request alone, with the errno of the cause', async (t) => {
  const { session, layer, making, logged, mkdir, ask } = await Served.make(t);
  const full = ask(opcodes.write, layer.inodeOf('bin/activate'));
  const after = mkdir('after');
  making[0]!.fail(Object.assign(new Error('full'), { code: 'ENOSPC' }));
  await session.answered(2);
  t.is(session.errnoOf(full), errno.ENOSPC);
  t.is(session.errnoOf(after), 0);
  t.deepEqual(logged, []);
  const bug = ask(opcodes.write, layer.inodeOf('bin/activate'));
  making[1]!.fail(new Error('a bug'));
  await session.answered(3);
  t.is(session.errnoOf(bug), errno.EIO);
  t.like(logged, [{ level: 'error', event: 'request-failed', message: 'a bug', opcode: opcodes.write }]);
});

test('what is no environment with an upper layer is ESTALE, and the root of a mount that changes none EROFS', async (t) => {
  const served = await Served.make(t);
  t.is(served.errnoAtOnce(opcodes.getattr, environmentInode(serial + 1, 0, 0)), errno.ESTALE);
  t.is(served.errnoAtOnce(opcodes.mkdir, rootInode, bodyOf(0o755, 0, 'new')), errno.EROFS);
});

test('requests of one environment do not wait for those of another', async (t) => {
  const served = await Served.make(t);
  served.ask(opcodes.write, served.layer.inodeOf('bin/activate'));
  t.is(served.errnoAtOnce(opcodes.getattr, environmentInode(serial + 1, 0, 0)), errno.ESTALE);
  t.is(served.session.order.length, 1);
  served.making[0]!.done();
  await served.session.answered(2);
});

test('an opcode that nobody knows is ENOSYS', async (t) => {
  const served = await Served.make(t);
  t.is(served.errnoAtOnce(4711, served.layer.root), errno.ENOSYS);
  t.deepEqual(served.logged, []);
});

test('each failure has its errno; a message that is too short is EIO, and in the log', async (t) => {
  const served = await Served.make(t);
  const { layer } = served;
  const { root } = layer;
  layer.mkdir('folder');
  layer.create('file', 'text');
  const file = layer.inodeOf('file');
  const elsewhere = environmentInode(serial + 1, 0, 5);
  const latin = Buffer.from('caf\xe9\0', 'latin1');
  const failures: [number, bigint, Buffer, number][] = [
    [opcodes.unlink, root, bodyOf('none'), errno.ENOENT],
    [opcodes.unlink, root, bodyOf('folder'), errno.EISDIR],
    [opcodes.rmdir, root, bodyOf('file'), errno.ENOTDIR],
    [opcodes.rmdir, root, bodyOf('lib'), errno.ENOTEMPTY],
    [opcodes.mkdir, root, bodyOf(0o755, 0, 'folder'), errno.EEXIST],
    [opcodes.mkdir, root, bodyOf(0o755, 0, '.wh.x'), errno.EINVAL],
    [opcodes.mkdir, root, bodyOf(0o755, 0, latin), errno.EILSEQ],
    [opcodes.create, root, bodyOf(0o301, 0o644, 0, 0, 'file'), errno.EEXIST],
    [opcodes.rename, root, bodyOf(elsewhere, 'file', 'other'), errno.EXDEV],
    [opcodes.rename2, root, bodyOf(root, 1, 0, 'file', 'folder'), errno.EEXIST],
    [opcodes.rename2, root, bodyOf(root, 4, 0, 'file', 'other'), errno.EINVAL],
    [opcodes.link, root, bodyOf(elsewhere, 'other'), errno.EXDEV],
    [opcodes.readlink, file, Buffer.alloc(0), errno.EINVAL],
    [opcodes.getxattr, file, bodyOf(100, 0, 'user.none'), errno.ENODATA],
  ];
  for (const [opcode, inode, body, expected] of failures)
    t.is(served.errnoAtOnce(opcode, inode, body), expected, `opcode ${opcode} ${body.toString('latin1')}`);
  t.deepEqual(served.logged, []);
  t.deepEqual(served.changes, []);
  t.is(served.errnoAtOnce(opcodes.setattr, file, Buffer.alloc(87)), errno.EIO);
  t.is(served.logged.length, 1);
});

test('an attribute that does not fit is ERANGE', async (t) => {
  const served = await Served.make(t);
  served.layer.create('file', '');
  const file = served.layer.inodeOf('file');
  const set = bodyOf(5, 0, 'user.x', Buffer.from('value'));
  t.is(served.errnoAtOnce(opcodes.setxattr, file, set), 0);
  t.is(served.errnoAtOnce(opcodes.getxattr, file, bodyOf(4, 0, 'user.x')), errno.ERANGE);
  t.is(served.errnoAtOnce(opcodes.listxattr, file, bodyOf(6, 0)), errno.ERANGE);
  const names = served.ask(opcodes.listxattr, file, bodyOf(7, 0));
  t.is(served.session.bodies.get(names)!.toString(), 'user.x\0');
});

test('while it is frozen, what would change an environment is EROFS and what reads is answered', async (t) => {
  const served = await Served.make(t);
  writeFileSync(join(served.layer.folder, 'frozen'), '');
  await served.layer.reopen();
  t.is(served.session.errnoOf(served.mkdir('new')), errno.EROFS);
  t.is(served.errnoAtOnce(opcodes.getattr, served.layer.root), 0);
});

test('an unchanged name is handed back, a changed one answered, a missing one remembered', async (t) => {
  const { session, layer, ask } = await Served.make(t);
  layer.create('mine', '');
  const lower = ask(opcodes.lookup, layer.root, bodyOf('lib'));
  t.deepEqual(session.lookups.get(lower), { parent: layer.root, name: 'lib' });
  const above = ask(opcodes.lookup, layer.root, bodyOf('..'));
  t.deepEqual(session.lookups.get(above), { parent: layer.root, name: '..' });
  const mine = session.bodies.get(ask(opcodes.lookup, layer.root, bodyOf('mine')))!;
  t.is(mine.readBigUInt64LE(0), layer.inodeOf('mine'));
  const none = session.bodies.get(ask(opcodes.lookup, layer.root, bodyOf('none')))!;
  t.is(none.readBigUInt64LE(0), 0n);
});

test('an unchanged file that is read is answered from the view; once it was written to it has a backing', async (t) => {
  const { session, layer, ask } = await Served.make(t);
  const inode = layer.inodeOf('lib/python3.11/site-packages/one.py');
  t.deepEqual(session.fromView, [ask(opcodes.read, inode)]);
  t.deepEqual(session.backings, []);
  const tokens = [ask(opcodes.write, inode), ask(opcodes.read, inode)];
  t.deepEqual(session.retried, tokens);
  t.like(session.backings, [
    { inode, flags: { orphan: false } },
    { inode, flags: { orphan: false } },
  ]);
});

test('a folder in the upper layer is backed when it is made, and told whether a lower one is merged with it', async (t) => {
  const { session, layer, mkdir, ask } = await Served.make(t);
  mkdir('new');
  layer.mkdir('lib/more');
  ask(opcodes.getattr, layer.inodeOf('lib'));
  ask(opcodes.getattr, layer.inodeOf('bin'));
  t.like(session.backings, [
    { inode: layer.inodeOf('new'), flags: { folder: true, whole: true } },
    { inode: layer.inodeOf('lib'), flags: { folder: true, whole: false } },
  ]);
  t.is(session.backings.length, 2);
});

test('a file without a name is backed as an orphan, and told of when it gets one', async (t) => {
  const { session, layer, named, ask } = await Served.make(t);
  const made = session.bodies.get(ask(opcodes.tmpfile, layer.root, bodyOf(0o2, 0o600, 0, 0)))!;
  const inode = made.readBigUInt64LE(0);
  t.like(session.backings, [{ inode, flags: { orphan: true } }]);
  ask(opcodes.link, layer.root, bodyOf(inode, 'first'));
  ask(opcodes.link, layer.root, bodyOf(inode, 'second'));
  t.deepEqual(named, [inode]);
});

test('names that something was given are told, and changes without one', async (t) => {
  const { layer, changes, ask } = await Served.make(t);
  ask(opcodes.create, layer.root, bodyOf(0o301, 0o644, 0, 0, 'a'));
  ask(opcodes.rename, layer.root, bodyOf(layer.root, 'a', 'b'));
  ask(opcodes.symlink, layer.root, bodyOf('link', 'target'));
  ask(opcodes.unlink, layer.root, bodyOf('b'));
  ask(opcodes.lookup, layer.root, bodyOf('link'));
  t.deepEqual(changes, ['a', 'b', 'link', undefined]);
});

test('a file is synced without holding up the others', async (t) => {
  const { session, layer, mkdir, ask } = await Served.make(t);
  layer.create('file', 'text');
  const sync = ask(opcodes.fsync, layer.inodeOf('file'));
  const after = mkdir('after');
  await session.answered(2);
  t.deepEqual(session.order, [after, sync]);
  t.is(session.errnoOf(sync), 0);
});

test('work in its turn runs after what waits and before what comes later, whether it fails or not', async (t) => {
  const { session, layer, making, mkdir, ask, requests } = await Served.make(t);
  const write = ask(opcodes.write, layer.inodeOf('bin/activate'));
  const seen: number[][] = [];
  const work = requests.inTurn(serial, () => {
    seen.push([...session.order]);
    throw new Error('failed');
  });
  const after = mkdir('after');
  making[0]!.done();
  await t.throwsAsync(work, { message: 'failed' });
  await session.answered(2);
  t.deepEqual(seen, [[write]]);
  t.deepEqual(session.order, [write, after]);
  t.is(await requests.inTurn(serial, () => 'given'), 'given');
});

test('what the kernel forgets is told to its environment', async (t) => {
  const { layer, requests, forgotten } = await Served.make(t);
  requests.forget(layer.root);
  requests.forget(environmentInode(serial + 1, 0, 0));
  t.deepEqual(forgotten, [layer.root]);
});

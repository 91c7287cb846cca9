import { constants } from 'node:os';
import test from 'ava';
import { ShenvError } from '../../../../src/base/errors.js';
import { type LogEntry, Logger } from '../../../../src/base/log.js';
import { type RootOperations, RootRequests } from '../../../../src/mount/writable/root-requests.js';
import { opcodes } from '../../../../src/mount/writable/wire.js';
import { FileError } from '../../../../src/upper/file-error.js';
import { environmentInode, rootInode } from '../../../../src/view/inode.js';
import { bodyOf, FakeAnswers, requestOf } from '../../../support/forwarded.js';

const { errno } = constants;

/** Writes down what is asked of the environments of a home. */
class FakeRoots implements RootOperations {
  readonly calls: string[] = [];
  /** Thrown by what is asked next. */
  failure: Error | undefined;
  /** Operations wait for it. */
  gate: Promise<void> = Promise.resolve();

  create = (name: string) => this.#note(`create ${name}`);
  rename = (name: string, newName: string) => this.#note(`rename ${name} ${newName}`);
  remove = (name: string) => this.#note(`remove ${name}`);

  async #note(call: string): Promise<void> {
    this.calls.push(call);
    const { failure } = this;
    this.failure = undefined;
    await this.gate;
    if (failure) throw failure;
  }
}

function served() {
  const [session, roots, logged] = [new FakeAnswers(), new FakeRoots(), [] as LogEntry[]];
  const log = new Logger({ level: 'debug', sinks: [(entry) => logged.push(entry)] });
  const requests = new RootRequests(session, roots, log);
  let token = 0;
  /** The errno of the answer; undefined where a lookup answers. */
  const ask = async (opcode: number, body: Buffer, isResent = false) => {
    token += 1;
    await requests.handle(requestOf(token, opcode, rootInode, body, isResent));
    return session.errnoOf(token);
  };
  return { session, roots, logged, ask };
}

const mkdir = (name: string) => bodyOf(0o755, 0, name);
const rename = (from: string, to: string) => bodyOf(rootInode, from, to);

function refusal(code: ConstructorParameters<typeof ShenvError>[0]): ShenvError {
  return new ShenvError(code, 'It is refused.', { hint: 'Do not.' });
}

test('a folder that is made is an environment, which the view then tells of', async (t) => {
  const { session, roots, ask } = served();
  t.is(await ask(opcodes.mkdir, mkdir('web')), undefined);
  t.deepEqual(roots.calls, ['create web']);
  t.deepEqual([...session.lookups.values()], [{ parent: rootInode, name: 'web' }]);
});

test('folders are renamed and removed, with the old call and the new one', async (t) => {
  const { roots, ask } = served();
  t.is(await ask(opcodes.rename, rename('a', 'b')), 0);
  t.is(await ask(opcodes.rename2, bodyOf(rootInode, 0, 0, 'b', 'c')), 0);
  t.is(await ask(opcodes.rename2, bodyOf(rootInode, 1, 0, 'c', 'd')), 0);
  t.is(await ask(opcodes.rmdir, bodyOf('d')), 0);
  t.deepEqual(roots.calls, ['rename a b', 'rename b c', 'rename c d', 'remove d']);
});

test('what comes is carried out one after the other', async (t) => {
  const { session, roots, ask } = served();
  let open: () => void = () => undefined;
  roots.gate = new Promise((resolve) => {
    open = resolve;
  });
  const all = [
    ask(opcodes.mkdir, mkdir('a')),
    ask(opcodes.rmdir, bodyOf('a')),
    ask(opcodes.mkdir, mkdir('a')),
  ];
  await new Promise(setImmediate);
  t.deepEqual(roots.calls, ['create a']);
  open();
  await Promise.all(all);
  t.deepEqual(roots.calls, ['create a', 'remove a', 'create a']);
  t.deepEqual(session.order, [1, 2, 3]);
});

test('each refusal has its errno, and what comes after it is served', async (t) => {
  const { roots, logged, ask } = served();
  const refusals: [number, Buffer, Error, number][] = [
    [opcodes.mkdir, mkdir('web'), refusal('ENVIRONMENT_EXISTS'), errno.EEXIST],
    [opcodes.mkdir, mkdir('a:b'), refusal('ENVIRONMENT_NAME'), errno.EINVAL],
    [opcodes.mkdir, mkdir('full'), Object.assign(new Error(), { code: 'ENOSPC' }), errno.ENOSPC],
    [opcodes.rename, rename('none', 'b'), refusal('ENVIRONMENT_MISSING'), errno.ENOENT],
    [opcodes.rename, rename('a', 'b'), refusal('ENVIRONMENT_CHANGED'), errno.EBUSY],
    [opcodes.rename, rename('sealed', 'b'), new FileError('EROFS'), errno.EROFS],
    [opcodes.rmdir, bodyOf('web'), new FileError('ENOTEMPTY'), errno.ENOTEMPTY],
    [opcodes.rmdir, bodyOf('other'), refusal('ENVIRONMENT_BUSY'), errno.EBUSY],
  ];
  for (const [opcode, body, failure, expected] of refusals) {
    roots.failure = failure;
    t.is(await ask(opcode, body), expected, failure.message);
  }
  t.is(await ask(opcodes.rmdir, bodyOf('web')), 0);
  t.deepEqual(logged, []);
});

test('a failure that is none of theirs is EIO, and in the log', async (t) => {
  const { roots, logged, ask } = served();
  roots.failure = new Error('a bug');
  t.is(await ask(opcodes.mkdir, mkdir('web')), errno.EIO);
  t.like(logged, [{ event: 'request-failed', message: 'a bug' }]);
});

test('nothing is asked for with a name that is no UTF-8, another folder, or a way of renaming that is not known', async (t) => {
  const { roots, ask } = served();
  const latin = Buffer.from('caf\xe9\0', 'latin1');
  t.is(await ask(opcodes.mkdir, bodyOf(0o755, 0, latin)), errno.EILSEQ);
  t.is(await ask(opcodes.rename, bodyOf(rootInode, 'a', latin)), errno.EILSEQ);
  t.is(await ask(opcodes.rename, bodyOf(environmentInode(3, 0, 0), 'a', 'b')), errno.EXDEV);
  t.is(await ask(opcodes.rename2, bodyOf(rootInode, 2, 0, 'a', 'b')), errno.EINVAL);
  t.deepEqual(roots.calls, []);
});

test('what makes or changes anything else in the root is EROFS', async (t) => {
  const { roots, ask } = served();
  t.is(await ask(opcodes.create, bodyOf(0o301, 0o644, 0, 0, 'file')), errno.EROFS);
  t.is(await ask(opcodes.symlink, bodyOf('link', 'target')), errno.EROFS);
  t.is(await ask(opcodes.unlink, bodyOf('web')), errno.EROFS);
  t.is(await ask(opcodes.setattr, Buffer.alloc(88)), errno.EROFS);
  t.deepEqual(roots.calls, []);
});

test('what comes again counts as done where that is what is found; what comes first does not', async (t) => {
  const { session, roots, ask } = served();
  const again: [number, Buffer, ShenvError, number][] = [
    [opcodes.mkdir, mkdir('web'), refusal('ENVIRONMENT_EXISTS'), errno.EEXIST],
    [opcodes.rename, rename('a', 'b'), refusal('ENVIRONMENT_MISSING'), errno.ENOENT],
    [opcodes.rmdir, bodyOf('web'), refusal('ENVIRONMENT_MISSING'), errno.ENOENT],
  ];
  for (const [opcode, body, failure, first] of again) {
    roots.failure = failure;
    t.is(await ask(opcode, body), first);
    roots.failure = failure;
    t.is((await ask(opcode, body, true)) ?? 0, 0);
  }
  t.deepEqual([...session.lookups.values()], [{ parent: rootInode, name: 'web' }]);
  roots.failure = refusal('ENVIRONMENT_NAME');
  t.is(await ask(opcodes.mkdir, mkdir('a:b'), true), errno.EINVAL);
});

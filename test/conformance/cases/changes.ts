import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { systemErrorCode } from '../../../src/base/errors.js';
import { skip } from '../../support/interpreters.js';
import type { Subject } from '../../support/subjects.js';
import type { Case } from '../case.js';

const answerTimeoutMs = 30_000;
const gone = ['ENOENT', 'ESTALE', 'EIO'];

/** A shell that stands in a folder and runs one line at a time. */
class Shell {
  readonly #process: ChildProcess;
  #received = '';

  constructor(t: ExecutionContext, folder: string) {
    this.#process = spawn('sh', [], { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#received += text;
    });
    t.teardown(() => this.end());
  }

  /** What a line prints, and its status as the last line. Rejects when it takes too long. */
  async run(line: string): Promise<string> {
    this.#received = '';
    this.#process.stdin!.write(`{ ${line}; } 2>/dev/null; echo "status $?"\n`);
    while (!/status \d+\n$/.test(this.#received)) {
      await once(this.#process.stdout!, 'data', { signal: AbortSignal.timeout(answerTimeoutMs) });
    }
    return this.#received;
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}

async function errorOf(operation: Promise<unknown>): Promise<string | undefined> {
  return operation.then(
    () => undefined,
    (error: unknown) => systemErrorCode(error),
  );
}

async function onlyAmongOthers(
  t: ExecutionContext,
  subject: Subject,
  run: () => Promise<void>,
): Promise<void> {
  if (subject.hasNeighbours) await run();
  else skip(t, 'no other environment is shown beside it');
}

async function appearAndVanish(t: ExecutionContext, subject: Subject): Promise<void> {
  const path = join(subject.mountpoint, 'passing');
  t.is(await errorOf(stat(path)), 'ENOENT');
  await subject.createEnvironment('passing', 'space_one');
  t.true((await readdir(subject.mountpoint)).includes('passing'));
  t.regex(await readFile(join(path, 'pyvenv.cfg'), 'utf8'), /version/);
  await subject.deleteEnvironment('passing');
  t.is(await errorOf(stat(path)), 'ENOENT');
  t.is(await errorOf(readFile(join(path, 'pyvenv.cfg'))), 'ENOENT');
  t.false((await readdir(subject.mountpoint)).includes('passing'));
}

async function deleteUnderShell(t: ExecutionContext, subject: Subject): Promise<void> {
  const path = await subject.createEnvironment('left', 'space_one');
  const shell = new Shell(t, path);
  t.is(await shell.run('exec 3<pyvenv.cfg && test -f pyvenv.cfg'), 'status 0\n');
  await subject.deleteEnvironment('left');
  t.regex(await shell.run('cat bin/activate'), /status [1-9]/);
  t.regex(await shell.run('test -e bin/never-looked-up'), /status 1/);
  t.regex(await shell.run('cd / && pwd'), /^\/\nstatus 0/);
  t.true(gone.includes((await errorOf(stat(path))) ?? ''));
  t.true((await stat(subject.path)).isDirectory(), 'another environment suffers');
}

async function replaceUnderShell(t: ExecutionContext, subject: Subject): Promise<void> {
  const path = await subject.createEnvironment('twice', 'space_one');
  const shell = new Shell(t, path);
  const part = (name: string) => `test -e ${subject.site}/shared_space/${name}/__init__.py`;
  t.is(await shell.run(part('one')), 'status 0\n');
  await subject.deleteEnvironment('twice');
  await subject.createEnvironment('twice', 'space_two');
  t.is(await shell.run(`cd "${path}" && ${part('two')} && ! ${part('one')}`), 'status 0\n');
  const { stdout } = await subject.run('ls', join(path, subject.site, 'shared_space'));
  t.is(stdout, 'two\n');
  await subject.deleteEnvironment('twice');
}

async function shareInodes(t: ExecutionContext, subject: Subject): Promise<void> {
  const path = await subject.createEnvironment('sharing', 'space_one', 'sized_files');
  const file = `${subject.site}/sized_files/65536.bin`;
  const inode = async (root: string) => (await stat(join(root, file), { bigint: true })).ino;
  if (subject.traits.inodesAreStable) t.is(await inode(path), await inode(subject.path));
  t.true((await readFile(join(path, file))).equals(await readFile(join(subject.path, file))));
  await subject.deleteEnvironment('sharing');
  t.true((await readFile(join(subject.path, file))).length === 65536);
}

export const changeCases: readonly Case[] = [
  {
    title: 'an environment is there as soon as it is created, and gone as soon as it is deleted',
    run: (t, subject) => onlyAmongOthers(t, subject, () => appearAndVanish(t, subject)),
  },
  {
    title: 'a process in an environment that is deleted gets errors, does not hang, and can leave',
    run: (t, subject) => onlyAmongOthers(t, subject, () => deleteUnderShell(t, subject)),
  },
  {
    title: 'an environment made anew under an old name shows nothing of the old one',
    run: (t, subject) => onlyAmongOthers(t, subject, () => replaceUnderShell(t, subject)),
  },
  {
    title: 'a file that two environments show is one file, and stays when one of them is deleted',
    run: (t, subject) => onlyAmongOthers(t, subject, () => shareInodes(t, subject)),
  },
];

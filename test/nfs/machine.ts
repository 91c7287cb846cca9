import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { compile } from '../support/probe-client.js';
import { projectRoot, type Sandbox } from '../support/sandbox.js';

export interface Guest {
  packages: string;
  sandbox: Sandbox;
  /** Run by the guest as root; the machine's files are there, read-only but for the sandbox. */
  command: readonly string[];
  memory: string;
  deadlineMs: number;
}

const endGraceMs = 2000;

/**
 * Boots a User Mode Linux, lets it run a command and waits until it is off; gives all that it printed. Throws with the
 * end of that when the deadline passes; the guest is ended then.
 */
export async function runGuest(guest: Guest): Promise<string> {
  const { sandbox } = guest;
  const folder = sandbox.path('guest');
  await mkdir(folder, { recursive: true });
  const log = join(folder, 'console');
  const output = await open(log, 'w');
  const machine = await start(guest, folder, output.fd);
  await output.close();
  const isOver = await Promise.race([
    once(machine, 'exit').then(() => true),
    setTimeout(guest.deadlineMs, false, { ref: false }),
  ]);
  await end(machine);
  const text = await readFile(log, 'utf8');
  if (isOver) return text;
  throw new Error(
    `the guest was not done within ${guest.deadlineMs} ms: ${text.split('\n').slice(-30).join('\n')}`,
  );
}

/** Its kernel takes a script without arguments as the first process. */
async function start(guest: Guest, folder: string, output: number): Promise<ChildProcess> {
  const { packages, sandbox, command, memory } = guest;
  const first = join(folder, 'boot');
  const init = join(projectRoot, 'test/nfs/guest/init.sh');
  const words = [init, packages, sandbox.folder, ...command].map((word) => `'${word}'`).join(' ');
  await writeFile(first, `#!/bin/bash\nexec ${words}\n`, { mode: 0o755 });
  const program = join(packages, 'root/usr/bin/linux.uml');
  const place = ['rootfstype=hostfs', 'rootflags=/', 'ro', `init=${first}`];
  const console = ['con=null', 'con0=fd:0,fd:1', 'quiet', `uml_dir=${folder}/`, 'umid=guest'];
  return spawn(program, [`mem=${memory}`, ...place, ...console], {
    stdio: ['ignore', output, output],
    detached: true,
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      TMPDIR: await memoryFolder(folder),
      LD_PRELOAD: await wideRegisters(sandbox),
    },
  });
}

/** The guest's memory is a file, which must be executable; one in memory is faster. */
async function memoryFolder(otherwise: string): Promise<string> {
  return access('/dev/shm').then(
    () => '/dev/shm',
    () => otherwise,
  );
}

function wideRegisters(sandbox: Sandbox): Promise<string> {
  return compile(sandbox, 'wide-registers.so', ['../nfs/wide-registers.c'], ['-shared', '-fPIC']);
}

/** With the processes that it has made for its own, which are of its group. */
async function end(machine: ChildProcess): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    try {
      process.kill(-machine.pid!, signal);
    } catch {
      return;
    }
    await setTimeout(signal === 'SIGTERM' ? endGraceMs : 0);
  }
}

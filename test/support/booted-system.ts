import { type ChildProcess, spawn } from 'node:child_process';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import { type Finished, run } from '../../src/base/run.js';
import { eventually } from './eventually.js';
import { skip } from './interpreters.js';
import { projectRoot, type Sandbox } from './sandbox.js';

const commandTimeoutMs = 30_000;
const bootTimeoutMs = 20_000;

/** Boots as far as units that tests add; $1 is a folder for it. The machine's own file systems are not written. */
const boot = `set -e
mkdir -p "$1/merged" "$1/layer"
mount -t tmpfs tmpfs "$1/layer"
mkdir "$1/layer/upper" "$1/layer/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/layer/upper,workdir=$1/layer/work" "$1/merged"
printf '[Unit]\\nRequires=sysinit.target dbus.socket\\nAfter=sysinit.target\\n' > "$1/merged/etc/systemd/system/tests.target"
if [ -e /dev/autofs ]; then set -- "$@" --bind=/dev/autofs; fi
exec systemd-nspawn --register=no --keep-unit --console=pipe --quiet --settings=no --link-journal=no --resolv-conf=off \\
  --timezone=off --directory="$1/merged" --bind=/dev/fuse --bind="$2" --bind-ro="$3" "\${@:4}" --boot systemd.unit=tests.target
`;

/** A machine that systemd has booted, in namespaces of its own, on a copy (overlay) of this one's root. */
export class BootedSystem {
  readonly #sandbox: Sandbox;
  readonly #container: ChildProcess;
  #init = 0;

  private constructor(sandbox: Sandbox, container: ChildProcess) {
    this.#sandbox = sandbox;
    this.#container = container;
  }

  /** Undefined where that cannot be, and the test has said so. It ends with the test. */
  static async start(t: ExecutionContext, sandbox: Sandbox): Promise<BootedSystem | undefined> {
    const missing = await lacking();
    if (missing) {
      skip(t, missing);
      return undefined;
    }
    const folder = sandbox.path('machine');
    await mkdir(folder);
    const script = sandbox.path('boot.sh');
    await writeFile(script, boot);
    const args = ['--mount', '--propagation', 'private', 'bash', script, folder, sandbox.folder, projectRoot];
    const container = spawn('unshare', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const system = new BootedSystem(sandbox, container);
    t.teardown(() => system.#end());
    try {
      await eventually(() => system.#isUp(), 'systemd has booted', bootTimeoutMs);
    } catch (error) {
      skip(t, `systemd cannot be booted here: ${String(error)}`);
      return undefined;
    }
    return system;
  }

  /** Runs a program in the machine, as its root. */
  run(...command: string[]): Promise<Finished> {
    const args = [
      '--target',
      String(this.#init),
      '--all',
      'env',
      '-i',
      'PATH=/usr/bin:/usr/sbin',
      ...command,
    ];
    return run('nsenter', args, { timeoutMs: commandTimeoutMs });
  }

  async expect(...command: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(...command);
    if (status === 0) return stdout;
    throw new Error(`${command.join(' ')} ended with ${status}: ${stdout}${stderr}`);
  }

  /** Writes a file of the machine, with its folders. */
  async write(path: string, text: string): Promise<void> {
    const staged = this.#sandbox.path('staged');
    await writeFile(staged, text);
    await this.expect('install', '-D', '-m', '644', staged, path);
  }

  async #isUp(): Promise<boolean> {
    if (this.#container.exitCode !== null) throw new Error(`it ended with ${this.#container.exitCode}`);
    const { pid } = this.#container;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    this.#init = Number(children.trim().split(' ')[0]);
    return this.#init > 0 && (await this.run('systemctl', 'is-active', 'tests.target')).status === 0;
  }

  /** The kernel ends all that is in it with its first process. */
  async #end(): Promise<void> {
    const isGone = async () => this.#container.exitCode !== null || this.#container.signalCode !== null;
    if (await isGone()) return;
    this.#container.kill('SIGTERM');
    await eventually(isGone, 'the machine is down').catch(
      () => this.#init > 0 && process.kill(this.#init, 'SIGKILL'),
    );
    await eventually(isGone, 'the machine is gone');
  }
}

async function lacking(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root can boot a machine in a container';
  for (const path of ['/usr/bin/systemd-nspawn', '/lib/systemd/systemd', '/dev/fuse']) {
    if (
      await access(path).then(
        () => false,
        () => true,
      )
    )
      return `${path} is missing (prerequisites.sh --scripts)`;
  }
  return undefined;
}

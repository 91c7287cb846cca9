import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot, type Sandbox } from './sandbox.js';

/** Question and answer, in the order in which the client printed them. */
export type Answers = [question: string, answer: string][];

const sources = join(projectRoot, 'test/conformance');

/** Compiles C sources of test/conformance into the sandbox with the system's compiler. */
export async function compile(
  sandbox: Sandbox,
  name: string,
  files: readonly string[],
  options: readonly string[] = [],
): Promise<string> {
  const output = sandbox.path('tools', name);
  await mkdir(sandbox.path('tools'), { recursive: true });
  const paths = files.map((file) => join(sources, file));
  const flags = ['-std=gnu17', '-D_GNU_SOURCE', '-O1', '-Wall', '-Wextra', '-Werror'];
  const { status, stderr } = await sandbox.run('cc', [...flags, ...options, '-o', output, ...paths]);
  if (status !== 0) throw new Error(`cc cannot compile ${name}: ${stderr}`);
  return output;
}

/** The native process that asks what Node cannot; test/conformance/client tells of its commands. */
export class ProbeClient {
  readonly #sandbox: Sandbox;
  readonly #program: string;

  private constructor(sandbox: Sandbox, program: string) {
    this.#sandbox = sandbox;
    this.#program = program;
  }

  static async compile(sandbox: Sandbox): Promise<ProbeClient> {
    const files = (await readdir(join(sources, 'client'))).filter((file) => file.endsWith('.c'));
    const paths = files.map((file) => `client/${file}`);
    return new ProbeClient(sandbox, await compile(sandbox, 'probe-client', paths));
  }

  /** Throws when the client itself cannot go on; a rule that does not hold is an answer to `BROKEN`. */
  ask(command: string, ...args: string[]): Promise<Answers> {
    return this.#answers(this.#program, [command, ...args]);
  }

  /**
   * As `ask`, with `folder` read-only for the client alone, in a mount namespace of its own. Undefined
   * where this user may not make one.
   */
  async askReadOnly(folder: string, command: string, ...args: string[]): Promise<Answers | undefined> {
    const namespace = ['--mount', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'])];
    const script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"';
    const { status } = await this.#sandbox.run('unshare', [
      ...namespace,
      'sh',
      '-c',
      script,
      'sh',
      folder,
      'true',
    ]);
    if (status !== 0) return undefined;
    const call = [script, 'sh', folder, this.#program, command, ...args];
    return this.#answers('unshare', [...namespace, 'sh', '-c', ...call]);
  }

  async #answers(program: string, args: readonly string[]): Promise<Answers> {
    const { status, stdout, stderr } = await this.#sandbox.run(program, args);
    if (status !== 0) throw new Error(`the probe client ended with ${status}: ${args.join(' ')}: ${stderr}`);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const tab = line.lastIndexOf('\t');
        return [line.slice(0, tab), line.slice(tab + 1)];
      });
  }
}

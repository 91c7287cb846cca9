import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Violation } from './invariants.js';
import type { Answer, Ended, Request, Shown } from './servant.js';

const servant = fileURLToPath(new URL('servant.js', import.meta.url));
const deadlineMs = 90_000;

/** A child process (servant.ts) that does one thing after another. */
export class Servant {
  readonly #child: ChildProcess;

  /** `enter`: a program with arguments that runs what follows them, elsewhere: nsenter(1). */
  constructor(env: NodeJS.ProcessEnv, cwd: string, [enter, ...args]: readonly string[] = []) {
    const elsewhere = enter === undefined ? {} : { execPath: enter, execArgv: [...args, process.execPath] };
    this.#child = fork(servant, { env, cwd, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], ...elsewhere });
  }

  /** Runs `shenv-fs`. */
  async run(args: readonly string[]): Promise<Ended> {
    return (await this.#ask({ args })) as Ended;
  }

  /** What is to be seen of an environment at its path in the mount; undefined where it is not there. */
  async show(environment: string, modules: readonly string[]): Promise<Shown | undefined> {
    return (await this.#ask({ environment, modules })) as Shown | undefined;
  }

  /** Walks through a mount and reads every file: how many. */
  async walk(mountpoint: string): Promise<number> {
    return (await this.#ask({ mountpoint })) as number;
  }

  /**
   * Reloads the mounts of this host and compares what one then shows with the generations that there were meanwhile:
   * of how many environments.
   */
  async refresh(mountpoint: string): Promise<number> {
    return (await this.#ask({ fresh: mountpoint })) as number;
  }

  /** Opens every image that the home of its variables refers to: how many. */
  async check(): Promise<number> {
    return (await this.#ask({ check: true })) as number;
  }

  /** Throws Violation when it does not answer in time, which a mount that hangs leads to. */
  #ask(request: Request): Promise<Answer['result']> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(timer);
        this.#child.off('message', answer).off('exit', lost);
        end();
      };
      const fail = (text: string) => settle(() => reject(new Violation(text)));
      const answer = ({ result, error }: Answer) =>
        error === undefined ? settle(() => resolve(result)) : fail(error);
      const lost = () => fail('the process that was asked has ended');
      const timer = setTimeout(() => fail(`no answer: ${JSON.stringify(request)}`), deadlineMs);
      this.#child.on('message', answer).on('exit', lost);
      this.#child.send(request);
    });
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

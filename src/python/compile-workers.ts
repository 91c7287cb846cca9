import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { ShenvError } from '../base/errors.js';
import { packageFile } from '../base/package-files.js';

/** Sources of one image to compile. */
export interface CompileRequest {
  image: string;
  /** File that the .pyc files are written to, one after another. */
  output: string;
  files: readonly [name: string, offset: number, sizeBytes: number][];
}

const script = packageFile('src/python/compile.py');

/** A process of the interpreter that compiles for one request after another. */
class CompileWorker {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  readonly #executable: string;

  constructor(executable: string) {
    this.#executable = executable;
    this.#child = spawn(executable, ['-I', '-B', '-S', script], { stdio: 'pipe' });
    this.#child.stderr.resume();
    this.#child.stdin.on('error', () => undefined);
    this.#lines = createInterface({ input: this.#child.stdout });
  }

  compile(request: CompileRequest): Promise<(number | null)[]> {
    return new Promise((resolve, reject) => {
      const onLine = (line: string) => {
        this.#child.removeListener('close', onClose);
        resolve((JSON.parse(line) as { sizes: (number | null)[] }).sizes);
      };
      const onClose = (status: number | null) => {
        this.#lines.removeListener('line', onLine);
        reject(
          new ShenvError(
            'INTERPRETER_UNUSABLE',
            `${this.#executable} ended with ${status} while compiling ${request.image}`,
          ),
        );
      };
      this.#lines.once('line', onLine);
      this.#child.once('close', onClose);
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    });
  }

  end(): void {
    this.#child.stdin.end();
  }
}

/**
 * Compiles for each of `items` with up to `count` processes of the interpreter at once. `work` gets a
 * compile function and may do its own I/O around it.
 */
export async function withCompileWorkers<T>(
  executable: string,
  count: number,
  items: readonly T[],
  work: (item: T, compile: (request: CompileRequest) => Promise<(number | null)[]>) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const runOne = async () => {
    const worker = new CompileWorker(executable);
    try {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
        await work(item, (request) => worker.compile(request));
      }
    } finally {
      worker.end();
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, items.length) }, runOne));
}

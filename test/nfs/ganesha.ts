import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Finished, run } from '../../src/base/run.js';
import { eventually } from '../support/eventually.js';

const libraryFolders = ['usr/lib/x86_64-linux-gnu', 'usr/lib/ganesha', 'lib/x86_64-linux-gnu'];
const clientTimeoutMs = 60_000;
const startTimeoutMs = 30_000;

/** An nfs-ganesha of its own, NFS v4 alone, and the clients of libnfs. */
export class Ganesha {
  readonly #root: string;
  readonly #port: number;
  readonly #server: ChildProcess;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(root: string, port: number, server: ChildProcess, environment: NodeJS.ProcessEnv) {
    this.#root = root;
    this.#port = port;
    this.#server = server;
    this.#environment = environment;
  }

  /** `block`: what `export-nfs` prints. Resolves when a client can list `path`; `end` ends it. */
  static async start(packages: string, folder: string, block: string, path: string): Promise<Ganesha> {
    const root = join(packages, 'root');
    const port = await freePort();
    await mkdir(join(folder, 'recovery'), { recursive: true });
    const configuration = join(folder, 'ganesha.conf');
    await writeFile(configuration, `${settings(root, folder, port)}${block}`);
    const environment = {
      ...process.env,
      LD_LIBRARY_PATH: libraryFolders.map((name) => join(root, name)).join(':'),
    };
    const log = join(folder, 'ganesha.log');
    const output = await open(log, 'a');
    const server = spawn(
      join(root, 'usr/bin/ganesha.nfsd'),
      ['-F', '-f', configuration, '-L', log, '-p', join(folder, 'ganesha.pid')],
      { stdio: ['ignore', output.fd, output.fd], cwd: folder, env: environment },
    );
    await output.close();
    const ganesha = new Ganesha(root, port, server, environment);
    const answers = async () => (await ganesha.client('nfs-ls', path)).status === 0;
    await eventually(answers, 'ganesha serves', startTimeoutMs).catch(async (error: Error) => {
      await ganesha.end();
      throw new Error(`${error.message}: ${(await readFile(log, 'utf8')).slice(-2000)}`);
    });
    return ganesha;
  }

  /** Runs nfs-ls or nfs-cat of a path of the export. */
  client(program: 'nfs-ls' | 'nfs-cat', path: string, ...options: string[]): Promise<Finished> {
    const url = `nfs://127.0.0.1${path}?version=4&nfsport=${this.#port}`;
    return run(join(this.#root, 'usr/bin', program), [...options, url], {
      env: this.#environment,
      timeoutMs: clientTimeoutMs,
    });
  }

  async end(): Promise<void> {
    if (this.#server.exitCode !== null || this.#server.signalCode !== null) return;
    const exit = once(this.#server, 'exit');
    this.#server.kill('SIGKILL');
    await exit;
  }
}

function settings(root: string, folder: string, port: number): string {
  return `NFS_CORE_PARAM {
  Protocols = 4;
  NFS_Port = ${port};
  Bind_addr = 127.0.0.1;
  Enable_NLM = false;
  Enable_RQUOTA = false;
  Plugins_Dir = "${join(root, 'usr/lib/x86_64-linux-gnu/ganesha')}";
}
NFSv4 {
  Graceless = true;
  Only_Numeric_Owners = true;
  UseGetpwnam = true;
  DomainName = "localdomain";
  RecoveryBackend = fs;
  RecoveryRoot = "${join(folder, 'recovery')}";
}
`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

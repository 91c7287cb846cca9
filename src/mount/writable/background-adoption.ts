import { spawn } from 'node:child_process';
import type { Logger } from '../../base/log.js';
import type { UpperLayers } from './upper-layers.js';

/** An installer that writes its next distribution within this time is not done. */
const quietMs = 15_000;
const lookEveryMs = 3_000;

interface Options {
  uppers: UpperLayers;
  nameOf(environmentSerial: number): string | undefined;
  log: Logger;
}

/**
 * Takes finished distributions into the store when an environment in which something was installed has been quiet for a
 * while: in a process of its own, because reading and packing would keep this one from answering. One at a time.
 */
export class BackgroundAdoption {
  readonly #options: Options;
  readonly #timer: NodeJS.Timeout;
  #isRunning = false;

  constructor(options: Options) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
    this.#timer.unref();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#isRunning) return;
    for (const [serial, shown] of this.#options.uppers.all()) {
      const isQuiet = Date.now() - shown.changedMs >= quietMs;
      if (!shown.hasInstalled || !isQuiet || shown.upper.isFrozen) continue;
      const name = this.#options.nameOf(serial);
      if (name === undefined) continue;
      shown.hasInstalled = false;
      this.#adopt(name);
      break;
    }
  }

  #adopt(name: string): void {
    const { log } = this.#options;
    this.#isRunning = true;
    const args = [...process.execArgv, process.argv[1]!, 'adopt', '--json', name];
    const child = spawn(process.execPath, args, { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
    let told = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      told = (told + text).slice(-2_000);
    });
    const end = (status: number | string | null) => {
      this.#isRunning = false;
      if (status === 0)
        log.info('adopted', `What was installed in '${name}' is in the store`, { environment: name });
      else log.warn('adoption-failed', told.trim(), { environment: name, status });
    };
    child.once('error', ({ message }) => end(message));
    child.once('exit', (status, signal) => end(status ?? signal));
    child.unref();
  }
}

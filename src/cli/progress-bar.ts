import type { SingleBar } from 'cli-progress';
import type { Progress } from '../base/progress.js';
import { formatBytes } from './render.js';

const labelColumns = 44;
const barColumns = 24;

/** Progress on stderr: a bar where it is a terminal, nothing but notes where it is not. */
export function makeProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  if (stream.isTTY) return new TerminalProgress(stream);
  return { start() {}, advance() {}, finish() {}, note: (text) => void stream.write(`${text}\n`) };
}

interface Phase {
  label: string;
  total: number;
  value: number;
  detail: string;
  /** When it began, where it counts bytes. */
  bytesSinceMs: number | undefined;
}

/** The bar's package is loaded with the first phase: a quick command does not pay for it. */
class TerminalProgress implements Progress {
  readonly #stream: NodeJS.WriteStream;
  #bar: SingleBar | undefined;
  #loading: Promise<void> | undefined;
  #phase: Phase | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  start(label: string, total: number, unit?: 'bytes'): void {
    this.#bar?.stop();
    const bytesSinceMs = unit === 'bytes' ? Date.now() : undefined;
    this.#phase = { label, total, value: 0, detail: '', bytesSinceMs };
    if (this.#bar) this.#show();
    else this.#loading ??= this.#load();
  }

  advance(by: number, detail?: string): void {
    if (!this.#phase) return;
    this.#phase.value += by;
    if (detail !== undefined) this.#phase.detail = detail;
    this.#bar?.update(this.#phase.value, { detail: this.#phase.detail });
  }

  finish(): void {
    this.#phase = undefined;
    this.#bar?.stop();
  }

  note(text: string): void {
    this.#bar?.stop();
    this.#stream.write(`${text}\n`);
  }

  async #load(): Promise<void> {
    const { default: cliProgress } = await import('cli-progress');
    this.#bar = new cliProgress.SingleBar({
      stream: this.#stream,
      hideCursor: true,
      clearOnComplete: true,
      barsize: barColumns,
      format: (_, { total, value, progress }, { label, detail }: { label: string; detail: string }) => {
        const shown = detail.slice(0, labelColumns);
        if (total === 0) return `${label} … ${shown}`;
        const filled = Math.round(progress * barColumns);
        const bar = `${'█'.repeat(filled)}${'░'.repeat(barColumns - filled)}`;
        return `${label} ${bar} ${describeCount(value, total, this.#phase?.bytesSinceMs)} ${shown}`;
      },
    });
    this.#show();
  }

  #show(): void {
    if (!this.#phase) return;
    const { label, total, value, detail } = this.#phase;
    this.#bar?.start(total, value, { label, detail });
  }
}

function describeCount(value: number, total: number, bytesSinceMs: number | undefined): string {
  if (bytesSinceMs === undefined) return `${value}/${total}`;
  const perSecond = (value * 1000) / Math.max(1, Date.now() - bytesSinceMs);
  return `${formatBytes(value)}/${formatBytes(total)} ${formatBytes(perSecond)}/s`;
}

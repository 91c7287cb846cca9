import cliProgress from 'cli-progress';
import type { Progress } from '../base/progress.js';

const labelColumns = 44;

/** Progress on stderr: a bar where it is a terminal, nothing but notes where it is not. */
export function makeProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const note = (text: string) => void stream.write(`${text}\n`);
  if (!stream.isTTY) return { start() {}, advance() {}, finish() {}, note };
  const bar = new cliProgress.SingleBar({
    stream,
    hideCursor: true,
    clearOnComplete: true,
    format: (options, state, payload: { phase: string; label: string }) => {
      const detail = payload.label.slice(0, labelColumns);
      if (state.total === 0) return `${payload.phase} … ${detail}`;
      const filled = Math.round(state.progress * (options.barsize ?? 0));
      const drawn = '█'.repeat(filled) + '░'.repeat((options.barsize ?? 0) - filled);
      return `${payload.phase} ${drawn} ${state.value}/${state.total} ${detail}`;
    },
    barsize: 24,
  });
  return {
    start: (phase, total) => bar.start(total, 0, { phase, label: '' }),
    advance: (by, label) => bar.increment(by, label === undefined ? {} : { label }),
    finish: () => bar.stop(),
    note: (text) => {
      bar.stop();
      note(text);
    },
  };
}

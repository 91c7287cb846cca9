/** What long work tells whoever shows it. Counts are of the task's own unit. */
export interface Progress {
  /** A new phase; `total` is 0 where it is not known. Bytes are shown with their rate. */
  start(label: string, total: number, unit?: 'bytes'): void;
  advance(by: number, label?: string): void;
  finish(): void;
  /** A line that stays, for something the user should know. */
  note(text: string): void;
}

export const silentProgress: Progress = {
  start() {},
  advance() {},
  finish() {},
  note() {},
};

import type { Places } from '../base/paths.js';

/** `advice`: it works, and would work better; `problem`: something that people do with shenv-fs fails. */
export type FindingLevel = 'ok' | 'advice' | 'problem';

/** One thing that was looked at. */
export interface Finding {
  /** The check that found it. */
  check: string;
  level: FindingLevel;
  /** One sentence: how it is. */
  what: string;
  /** One sentence: what to do; always there unless it is ok. */
  remedy?: string;
}

/** Where a check tells what it finds, at once, so that nothing is lost when it is ended later. */
export class Findings {
  readonly #check: string;
  readonly #tell: (finding: Finding) => void;

  constructor(check: string, tell: (finding: Finding) => void) {
    this.#check = check;
    this.#tell = tell;
  }

  ok(what: string): void {
    this.#tell({ check: this.#check, level: 'ok', what });
  }

  advice(what: string, remedy: string): void {
    this.#tell({ check: this.#check, level: 'advice', what, remedy });
  }

  problem(what: string, remedy: string): void {
    this.#tell({ check: this.#check, level: 'problem', what, remedy });
  }
}

export interface CheckContext {
  places: Places;
  findings: Findings;
  /** Aborted when the check has to end: it then takes away what it has made. */
  signal: AbortSignal;
}

/** Looks at one part of the set-up. What it throws becomes a problem that tells of it. */
export type Check = (context: CheckContext) => Promise<void>;

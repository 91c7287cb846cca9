/** How a call fails; `short`: write(2) takes a part of the bytes, as it may. */
export type Failure = 'ENOSPC' | 'EIO' | 'EROFS' | 'short';

/** What FAULT_POINT holds, as JSON: the order to fault-points.cts. */
export interface FaultPoint {
  /** Before which call, counted from 1; 0 for none. */
  call: number;
  /** What is sent, and whether to all that the program has started too. */
  signal?: 'SIGKILL' | 'SIGINT';
  target?: 'group' | 'program';
  /** How that call fails, or the first after it that can fail so. */
  failure?: Failure;
  /** Whether all calls after it fail too. */
  stays?: boolean;
  /** File that a Tally is written to, as JSON, when the program ends by itself. */
  countFile: string;
}

/** What fault-points.cts tells. */
export interface Tally {
  calls: number;
  /** Names of the calls that failed. */
  failed: string[];
}

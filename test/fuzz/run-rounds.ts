import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RoundsNews, RoundsWanted } from './wheel-rounds.js';

export interface RoundsSummary {
  rounds: number;
  outcomes: Record<string, number>;
  /** The most memory that the process had at a time. */
  largestBytes: number;
  /** One a violation: its round, what is wrong, and the wheel that shows it. */
  findings: string[];
}

const roundTimeoutMs = 30_000;

/** Runs rounds in a child process; one that takes longer than 30 s is a finding, and ends the run. */
export function runRounds(wanted: RoundsWanted): Promise<RoundsSummary> {
  const script = fileURLToPath(new URL('wheel-rounds.js', import.meta.url));
  const child = fork(script, [JSON.stringify(wanted)], { execArgv: ['--max-old-space-size=512'] });
  const summary: RoundsSummary = { rounds: 0, outcomes: {}, largestBytes: 0, findings: [] };
  let [round, hasEnded] = [wanted.first, false];
  const deadline = setTimeout(() => {
    summary.findings.push(`round ${round}: it takes more than ${roundTimeoutMs / 1000} s`);
    child.kill('SIGKILL');
  }, roundTimeoutMs);
  child.on('message', (news: RoundsNews) => {
    deadline.refresh();
    if (news.kind === 'begin') round = news.round;
    else if (news.kind === 'finding') {
      summary.findings.push(`round ${news.round}: ${news.text} (${news.wheel})`);
    } else {
      hasEnded = true;
      Object.assign(summary, {
        rounds: news.rounds,
        outcomes: news.outcomes,
        largestBytes: news.largestBytes,
      });
    }
  });
  return new Promise((resolve) => {
    child.on('close', (status, signal) => {
      clearTimeout(deadline);
      if (!hasEnded) summary.findings.push(`round ${round}: the process ended with ${status ?? signal}`);
      resolve(summary);
    });
  });
}

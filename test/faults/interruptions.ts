/**
 * npm run faults -- [--rounds 1000] [--seed N] [--kind kill|interrupt|fail|both|all] [--jobs 1] [--only 'ROUND']
 *
 * Disturbs every command that changes a home or its store at any moment: with kill -9 (the program with all it
 * started, or alone), with Ctrl-C, or by letting a call that changes the file system fail. docs/testing.md tells
 * what is checked after each. Two thirds of the kills and interrupts come just before one of these calls, the
 * others after a random time. Exits 1 on any violation and says how to run that round again.
 */
import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { interrupted } from '../support/interrupted.js';
import { type Kind, kinds } from './plan.js';
import { runRounds, type Summary } from './rounds.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    kind: { type: 'string', default: 'both' },
    jobs: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});
if (!(values.kind in kinds)) throw new Error(`--kind ${values.kind} is unknown`);
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const jobs = Number(values.jobs);
const startedMs = Date.now();
const say = (text: string) => process.stdout.write(`${text}\n`);
const signal = interrupted();

say(`seed ${seed}`);
const shares = Array.from({ length: jobs }, (_, job) => Math.floor((Number(values.rounds) + job) / jobs));
const summaries = await Promise.all(
  shares.map((rounds, job) => (jobs === 1 ? runHere(rounds) : runInChild(rounds, seed + job))),
);
if (process.send) process.send(summaries[0]!);
else report(summaries);

function runHere(rounds: number): Promise<Summary> {
  const { only } = values;
  const options = { rounds, seed, kind: values.kind as Kind, only, signal, log: say };
  return runRounds(options);
}

/** Each job has a home of its own and a seed of its own, which it prints. */
function runInChild(rounds: number, itsSeed: number): Promise<Summary> {
  const only = values.only === undefined ? [] : ['--only', values.only];
  const args = ['--rounds', `${rounds}`, '--seed', `${itsSeed}`, '--kind', values.kind, ...only];
  const child = fork(fileURLToPath(import.meta.url), args);
  return new Promise((resolve, reject) => {
    child.once('message', (summary: Summary) => {
      child.disconnect();
      resolve(summary);
    });
    child.once('exit', (status, signal) => reject(new Error(`a job ended with ${status ?? signal}`)));
    signal.addEventListener('abort', () => child.kill('SIGTERM'));
  });
}

function report(all: readonly Summary[]): void {
  const violations = all.flatMap((summary) => summary.violations);
  for (const violation of violations) {
    say(`VIOLATION ${violation}`);
    say(`  again: npm run faults -- --rounds 10 --only '${violation.split(':')[0]}'`);
  }
  const sum = (count: (summary: Summary) => number) => all.reduce((total, item) => total + count(item), 0);
  const [images, staged, orphans] = [sum((s) => s.images), sum((s) => s.staged), sum((s) => s.orphans)];
  say(`${all[0]!.mount}; ${images} images whole; ${staged} staged files left, ${orphans} orphans that ended`);
  const between = sum((s) => s.states.between);
  say(
    `${sum((s) => s.rounds)} rounds in ${Math.round((Date.now() - startedMs) / 1000)} s, ` +
      `${sum((s) => s.kills)} kills, ${sum((s) => s.interrupts)} interrupts, ` +
      `${sum((s) => s.failures)} failures, ${violations.length} violations, seed ${seed}, ` +
      `state old ${sum((s) => s.states.old)} times, new ${sum((s) => s.states.new)} times` +
      (between > 0 ? `, between ${between} times` : ''),
  );
  process.exitCode = violations.length === 0 ? 0 : 1;
}

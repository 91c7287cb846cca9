import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from '../support/sandbox.js';

/** What was read of a wheel. */
export interface Reading {
  /** SHA-256 by name. */
  files: Record<string, string>;
  /** Name, Version, Requires-Python and the Requires-Dist of METADATA, one space for white space. */
  metadata: string[];
  /** Path, hash and size of each row of RECORD. */
  rows: string[][];
}

interface Answer extends Partial<Reading> {
  count?: number;
  error?: string;
}

const timeoutMs = 120_000;

/** Compares accepted wheels with what Python's zipfile, email and csv read; gives what they differ in. */
export async function compareWithPython(accepted: ReadonlyMap<string, Reading>): Promise<string[]> {
  const answers = await askPython([...accepted.keys()]);
  return [...accepted].flatMap(([path, reading], index) => {
    const answer = answers[index];
    const difference = answer ? differenceOf(reading, answer) : 'Python gave no answer';
    return difference === undefined ? [] : [`${path}: ${difference}`];
  });
}

function differenceOf({ files, metadata, rows }: Reading, answer: Answer): string | undefined {
  if (!answer.files) return `Python refuses it: ${answer.error}`;
  const names = Object.keys(files);
  if (answer.count !== names.length) return `zipfile finds ${answer.count} files, we ${names.length}`;
  const wrong = names.find((name) => answer.files?.[name] !== files[name]);
  if (wrong !== undefined) return `zipfile reads '${wrong}' differently`;
  for (const [what, ours, theirs] of [
    ['METADATA', metadata, answer.metadata],
    ['RECORD', rows, answer.rows],
  ]) {
    const [left, right] = [JSON.stringify(ours), JSON.stringify(theirs)];
    if (left !== right) return `${what} is ${left} to us, ${right} to Python`;
  }
  return undefined;
}

function askPython(paths: readonly string[]): Promise<Answer[]> {
  if (paths.length === 0) return Promise.resolve([]);
  return new Promise((resolve, reject) => {
    const script = join(projectRoot, 'test/fuzz/second_opinion.py');
    const child = spawn('python3', [script], { stdio: ['pipe', 'pipe', 'inherit'], timeout: timeoutMs });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    child.on('error', reject);
    child.on('close', () => {
      const lines = text.split('\n').filter((line) => line !== '');
      resolve(lines.map((line) => JSON.parse(line) as Answer));
    });
    child.stdin.end(`${paths.join('\n')}\n`);
  });
}

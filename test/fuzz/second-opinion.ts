import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from '../support/sandbox.js';

interface Answer {
  files?: Record<string, string>;
  count?: number;
  error?: string;
}

const timeoutMs = 120_000;

/** Compares accepted archives with what Python's zipfile reads of them; gives what they differ in. */
export async function compareWithZipfile(
  accepted: ReadonlyMap<string, Readonly<Record<string, string>>>,
): Promise<string[]> {
  const answers = await askZipfile([...accepted.keys()]);
  return [...accepted].flatMap(([path, files], index) => {
    const answer = answers[index];
    const difference = answer ? differenceOf(files, answer) : 'zipfile gave no answer';
    return difference === undefined ? [] : [`${path}: ${difference}`];
  });
}

function differenceOf(files: Readonly<Record<string, string>>, answer: Answer): string | undefined {
  if (!answer.files) return `zipfile refuses it: ${answer.error}`;
  const names = Object.keys(files);
  if (answer.count !== names.length) return `zipfile finds ${answer.count} files, we ${names.length}`;
  const wrong = names.find((name) => answer.files?.[name] !== files[name]);
  return wrong === undefined ? undefined : `zipfile reads '${wrong}' differently`;
}

function askZipfile(paths: readonly string[]): Promise<Answer[]> {
  if (paths.length === 0) return Promise.resolve([]);
  return new Promise((resolve, reject) => {
    const script = join(projectRoot, 'test/fuzz/zipfile_digests.py');
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

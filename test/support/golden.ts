import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { projectRoot } from './sandbox.js';

/** Compares with a file of test/golden; SHENV_TEST_UPDATE=1 writes it anew. */
export async function matchesGolden(t: ExecutionContext, name: string, text: string): Promise<void> {
  const path = join(projectRoot, 'test/golden', name);
  if (process.env.SHENV_TEST_UPDATE === '1') await writeFile(path, text);
  t.is(text, await readFile(path, 'utf8'), `differs from test/golden/${name}`);
}

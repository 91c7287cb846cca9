import { join } from 'node:path';
import { projectRoot } from '../../test/support/sandbox.js';
import { type Form, newestResult, type Result } from '../report/result.js';
import { must } from './commands.js';

export const resultsFolder = join(projectRoot, 'bench/results');

/** The newest result of a form that git knows; what was only written to the folder does not count. */
export async function newestCommitted(form: Form): Promise<{ file: string; result: Result } | undefined> {
  const output = await must('git', ['-C', resultsFolder, 'ls-files', '.']);
  return newestResult(resultsFolder, output.trim().split('\n'), form);
}

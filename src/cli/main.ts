#!/usr/bin/env node
import { CommanderError } from 'commander';
import { makeProgram } from './program.js';
import { writeError } from './render.js';

const abort = new AbortController();
process.once('SIGINT', () => abort.abort());

try {
  await makeProgram(abort.signal).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  // Programs that were started get the same Ctrl-C; what they fail with then is no news.
  else process.exitCode = writeError(abort.signal.aborted ? abort.signal.reason : error);
}

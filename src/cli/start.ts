#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { packageVersion } from '../base/package-files.js';
import { cacheFolder } from '../base/paths.js';
import { CodeCache } from './code-cache.js';

/** What the bundle of main.ts exports. */
interface Program {
  runCommand(): void;
}

const path = join(dirname(fileURLToPath(import.meta.url)), 'program.cjs');

/**
 * Starts the program, which is a file beside this one, with what V8 compiled of it when the same command ran before:
 * of 75 ms of processor time that a command took which did nothing, 25 were spent on compiling. Its version needs no
 * program. NODE_DISABLE_COMPILE_CACHE, node's own variable, prevents the cache.
 */
function start(): void {
  const [command = '', ...others] = process.argv.slice(2);
  if (others.length === 0 && ['-V', '--version'].includes(command)) {
    process.stdout.write(`${packageVersion()}\n`);
    return;
  }
  const folder = cacheFolder();
  const isKept = /^-{0,2}[a-z][a-z-]{1,30}$/.test(command) && !process.env.NODE_DISABLE_COMPILE_CACHE;
  // Node maps the lines of a stack only for what it has loaded itself.
  const isPlain = !isKept || folder === undefined || process.sourceMapsEnabled;
  const program = isPlain ? loadPlain() : loadCompiled(join(folder, 'code'), command);
  program.runCommand();
}

function loadPlain(): Program {
  return createRequire(path)(path) as Program;
}

const opening = '(function (exports, require, module, __filename, __dirname) {';

/** As node loads a CommonJS module; before version 22 it takes no compiled code for one. */
function loadCompiled(folder: string, command: string): Program {
  const source = readFileSync(path);
  const cache = new CodeCache(folder, source, command);
  const cachedData = cache.read();
  const text = Buffer.concat([Buffer.from(opening), source, Buffer.from('\n})')]).toString();
  const script = new Script(text, {
    filename: path,
    columnOffset: -opening.length,
    ...(cachedData ? { cachedData } : {}),
  });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(path), module, path, dirname(path));
  if (script.cachedDataRejected === false) return module.exports as Program;
  process.once('exit', (status) => {
    // Only a command that exists ends well, and by then all that it needs is compiled.
    if (status === 0) cache.write(script.createCachedData());
  });
  return module.exports as Program;
}

start();

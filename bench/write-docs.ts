/**
 * npm run bench:docs -- [RESULT]: writes what follows the marker in docs/benchmarks.md, and docs/benchmarks/*.svg, from a
 * result of bench/results; without one, from the newest full one that is committed.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { projectRoot } from '../test/support/sandbox.js';
import { fillDocument } from './report/document.js';
import { drawTrial } from './report/pictures.js';
import { parseResult } from './report/result.js';
import { newestCommitted } from './run/committed.js';
import { trials } from './trials/all.js';

const [path] = process.argv.slice(2);
const named = path
  ? { file: basename(path), result: parseResult(await readFile(path, 'utf8'), path) }
  : await newestCommitted('full');
const page = join(projectRoot, 'docs/benchmarks.md');
await writeFile(page, fillDocument(await readFile(page, 'utf8'), trials, named));

const folder = join(projectRoot, 'docs/benchmarks');
await rm(folder, { recursive: true, force: true });
const pictures = named ? trials.flatMap((trial) => drawTrial(named.result, trial)) : [];
if (pictures.length > 0) await mkdir(folder);
for (const { file, svg } of pictures) await writeFile(join(folder, file), svg);
process.stdout.write(
  named
    ? `docs/benchmarks.md and ${pictures.length} pictures from ${named.file}\n`
    : 'no full result is committed\n',
);

/**
 * Runs when the npm package is installed: builds the native engine where the carried binary does not fit.
 * Never fails the installation: without it the engine fuse-native serves, and `--engine kernel` says what is missing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const here = fileURLToPath(new URL('.', import.meta.url));
const places = [`${here}build/shenv_fs.node`, `${here}../prebuilds/${process.platform}-${process.arch}/shenv_fs.node`];

if (!places.some(loads)) build();

function loads(path) {
  try {
    return existsSync(path) && Boolean(require(path));
  } catch {
    return false;
  }
}

function build() {
  for (const [program, debianPackage] of [
    ['make', 'make'],
    ['g++', 'g++'],
  ]) {
    if (spawnSync(program, ['--version']).error === undefined) continue;
    console.error(`shenv-fs: the native engine was not built: ${program} is missing (package ${debianPackage})`);
    return;
  }
  const headers = require('node-api-headers').include_dir;
  const { status } = spawnSync('make', ['-s', '-C', here, `NODE_API_HEADERS=${headers}`], { stdio: 'inherit' });
  if (status !== 0) console.error('shenv-fs: the native engine was not built; the compiler says why above');
}

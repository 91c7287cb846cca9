import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Compiled modules lie three folders below the package, bundled (build/program/cli) or not (build/src/base). */
const root = new URL('../../../', import.meta.url);

/** The absolute path of a file that the package carries, by its path in the project. */
export function packageFile(path: string): string {
  return fileURLToPath(new URL(path, root));
}

/** What `shenv-fs` runs; package.json's `bin`. */
export const programFile = packageFile('build/program/cli/main.cjs');

export function packageVersion(): string {
  return (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string }).version;
}

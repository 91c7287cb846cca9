import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { sha256OfFile } from '../../src/base/digest.js';
import { writeWheel } from '../support/wheel-builder.js';

const lines = 2_000;

/** Every line of the file that a wheel carries; so each tells what all of them have to be. */
export function dataLine(name: string, version: string): string {
  return `${name} ${version} ${'.'.repeat(20)}\n`;
}

/** Whether it is one line repeated, as often as it has to be. */
export function isWholeData(text: string): boolean {
  const line = text.slice(0, text.indexOf('\n') + 1);
  return line.length > 0 && text === line.repeat(lines);
}

/** A wheel with one module and one file whose content tells its version. */
export function writeStormWheel(folder: string, name: string, version: string): Promise<string> {
  const files = {
    [`${name}/__init__.py`]: `VERSION = "${version}"\n`,
    [`${name}/storm.txt`]: dataLine(name, version).repeat(lines),
  };
  return writeWheel(folder, { name, version, files });
}

/** Writes a lock of exactly these wheels and gives its path. */
export async function writeLock(path: string, wheels: readonly string[]): Promise<string> {
  const packages: string[] = [];
  for (const wheel of wheels) {
    const file = wheel.slice(wheel.lastIndexOf('/') + 1);
    const [name, version] = file.split('-');
    const hash = await sha256OfFile(wheel);
    const from = relative(join(path, '..'), wheel);
    const entry = `{ name = "${file}", path = "${from}", hashes = { sha256 = "${hash}" } }`;
    packages.push(`[[packages]]\nname = "${name}"\nversion = "${version}"\nwheels = [${entry}]\n`);
  }
  await writeFile(path, `lock-version = "1.0"\ncreated-by = "test"\n\n${packages.join('\n')}`);
  return path;
}

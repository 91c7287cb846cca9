import { open } from 'node:fs/promises';
import type { Venv } from './venv.js';

/** Linux reads no more of a first line, and the form that a long path takes is not much longer. */
const startBytes = 4096;
const interpreters = /^(?:#!(\S+)\n|#!\/bin\/sh\n'''exec' (?:"([^"\n]+)"|(\S+)) "\$0" "\$@"\n' '''\n)/;

/** The line (or lines) in a script that starts this venv's interpreter: what wheels have `#!python` for. */
export async function interpreterLineOf(venv: Venv, path: string): Promise<Buffer | undefined> {
  const start = await readStart(path);
  return start && venv.spellings.some((root) => isInterpreter(start.python, root)) ? start.line : undefined;
}

/** The interpreter that a script names in its first line; undefined for a file without one. */
export async function interpreterOf(path: string): Promise<string | undefined> {
  return (await readStart(path))?.python;
}

async function readStart(path: string): Promise<{ line: Buffer; python: string } | undefined> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(startBytes), 0, startBytes, 0);
    const match = interpreters.exec(buffer.toString('latin1', 0, bytesRead));
    if (!match) return undefined;
    const python = Buffer.from(match[1] ?? match[2] ?? match[3] ?? '', 'latin1').toString();
    return { line: Buffer.from(match[0], 'latin1'), python };
  } finally {
    await file.close();
  }
}

function isInterpreter(python: string, root: string): boolean {
  return (
    python.startsWith(`${root}/bin/`) && /^python[\d.]*$/.test(python.slice(root.length + '/bin/'.length))
  );
}

import { open } from 'node:fs/promises';
import type { Venv } from './venv.js';

/** Linux reads no more of a first line, and the form that a long path takes is not much longer. */
const startBytes = 4096;
const interpreters = /^(?:#!(\S+)\n|#!\/bin\/sh\n'''exec' (?:"([^"\n]+)"|(\S+)) "\$0" "\$@"\n' '''\n)/;

/** The line (or lines) in a script that starts this venv's interpreter: what wheels have `#!python` for. */
export async function interpreterLineOf(venv: Venv, path: string): Promise<Buffer | undefined> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(startBytes), 0, startBytes, 0);
    const match = interpreters.exec(buffer.toString('latin1', 0, bytesRead));
    const python = match && Buffer.from(match[1] ?? match[2] ?? match[3] ?? '', 'latin1').toString();
    const isOwn = python && venv.spellings.some((root) => isInterpreter(python, root));
    return isOwn ? Buffer.from(match[0], 'latin1') : undefined;
  } finally {
    await file.close();
  }
}

function isInterpreter(python: string, root: string): boolean {
  return (
    python.startsWith(`${root}/bin/`) && /^python[\d.]*$/.test(python.slice(root.length + '/bin/'.length))
  );
}

import type { ImageScript } from '../image/meta.js';
import type { Writer } from '../manifest/types.js';

/** Linux reads this many bytes of a script for its interpreter (BINPRM_BUF_SIZE is 256 since 5.1, 128 before). */
const shebangBytes = 127;

/**
 * The first line of a script for the interpreter at `python`. Where the path is too long or has a
 * space, `/bin/sh` starts it: the text is a comment to Python and an `exec` to the shell.
 */
export function shebang(python: string): string {
  const simple = `#!${python}\n`;
  if (Buffer.byteLength(simple) <= shebangBytes && !/\s/.test(python)) return simple;
  return `#!/bin/sh\n'''exec' ${quoteForBoth(python)} "$0" "$@"\n' '''\n`;
}

/**
 * A path as the shell takes it, inside a string literal of Python. Plain ones look as pip writes them;
 * what the shell would expand stands between single quotes, and a backslash, which could begin an
 * escape that Python refuses, is printed by its number.
 */
function quoteForBoth(path: string): string {
  if (!/[$`"'\\!]/.test(path)) return /^[\w@%+=:,./-]+$/.test(path) ? path : `"${path}"`;
  const escapes: Readonly<Record<string, string>> = { "'": "'\\''", '\\': `'"$(printf '\\134')"'` };
  return `'${path.replace(/['\\]/g, (character) => escapes[character]!)}'`;
}

/**
 * A console or gui script: what pip of the same Python's time writes, so that trees compare equal; or what `writer`
 * does.
 */
export function entryPointScript(
  script: ImageScript,
  python: string,
  minor: string,
  writer: Writer | undefined = Number(minor.split('.')[1]) < 9 ? 'distlib' : undefined,
): string {
  return `${shebang(python)}${scriptLines(script, writer).join('\n')}\n`;
}

function scriptLines({ module, attribute }: ImageScript, writer: Writer | undefined): string[] {
  const imported = `from ${module} import ${attribute.split('.')[0]}`;
  switch (writer) {
    case 'distlib':
      return [
        '# -*- coding: utf-8 -*-',
        'import re',
        'import sys',
        imported,
        "if __name__ == '__main__':",
        "    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])",
        `    sys.exit(${attribute}())`,
      ];
    case 'uv':
      return [
        '# -*- coding: utf-8 -*-',
        'import sys',
        imported,
        'if __name__ == "__main__":',
        '    if sys.argv[0].endswith("-script.pyw"):',
        '        sys.argv[0] = sys.argv[0][:-11]',
        '    elif sys.argv[0].endswith(".exe"):',
        '        sys.argv[0] = sys.argv[0][:-4]',
        `    sys.exit(${attribute}())`,
      ];
    case undefined:
      return [
        'import sys',
        imported,
        "if __name__ == '__main__':",
        "    sys.argv[0] = sys.argv[0].removesuffix('.exe')",
        `    sys.exit(${attribute}())`,
      ];
  }
}

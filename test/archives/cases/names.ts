import type { WheelSpec } from '../../support/wheel-builder.js';
import { fromMembers, fromSpec, type Rejection, victim, victimData } from '../rejection.js';
import type { ForgedMember } from '../zip-forge.js';

const file = (name: string): WheelSpec => ({ files: { [name]: 'x\n' } });
const also =
  (...added: ForgedMember[]) =>
  (members: ForgedMember[]) => [...members, ...added];
const data = victimData;

const names: readonly (readonly [reason: string, file: string, rule: string, spec: WheelSpec])[] = [
  ['name-absolute', '/etc/passwd', 'absolute path', file('/etc/passwd')],
  ['name-drive-letter', 'C:/evil.py', 'absolute path', file('C:/evil.py')],
  ['name-parent', '../evil.py', "'..' part", file('../evil.py')],
  ['name-parent-inside', 'pkg/../../evil.py', "'..' part", file('pkg/../../evil.py')],
  ['name-parent-last', 'pkg/..', "'..' part", file('pkg/..')],
  ['name-here', './pkg/evil.py', "'.' or '..' part", file('./pkg/evil.py')],
  ['name-empty-part', 'pkg//evil.py', 'empty', file('pkg//evil.py')],
  ['name-empty', "''", 'empty', file('')],
  ['name-backslash', 'pkg\\evil.py', 'backslash', file('pkg\\evil.py')],
  ['name-unc', '\\\\host\\share', 'backslash', file('\\\\host\\share')],
  ['name-nul', 'evil.py?.txt', 'NUL', file('pkg/evil.py\0.txt')],
  ['name-newline', 'evil?.py', 'control character', file('pkg/evil\n.py')],
  ['name-escape', 'evil?[2J', 'control character', file('pkg/evil\u001b[2J')],
  ['name-delete', 'evil?', 'control character', file('pkg/evil\u007f')],
  ['name-too-long-part', 'xxx', 'longer than 255 bytes', file(`pkg/${'x'.repeat(256)}`)],
  ['name-too-long-part-utf8', 'ü', 'longer than 255 bytes', file(`pkg/${'ü'.repeat(128)}`)],
  ['name-case-clash', 'pkg/DATA.txt', 'in case only', file('pkg/DATA.txt')],
  ['name-case-clash-folders', 'PKG/other.py', 'in case only', file('PKG/other.py')],
  ['name-case-clash-folder-and-file', 'PKG', 'in case only', file('PKG')],
  ['name-case-clash-sharp-s', 'STRASSE', 'in case only', { files: { straße: '', STRASSE: '' } }],
  ['name-composition-clash', 'in case only', 'é', { files: { 'é.py': '', 'e\u0301.py': '' } }],
  ['name-composition-clash-folders', 'in case only', 'é', { files: { 'é/a.py': '', 'e\u0301/b.py': '' } }],
  ['name-invisible-clash', 'in case only', 'pkg/da', file('pkg/da\u200dta.txt')],
  ['name-file-and-folder', 'pkg/data.txt/evil.py', 'a file and a folder', file('pkg/data.txt/evil.py')],
];

const types: readonly (readonly [reason: string, name: string, rule: string, mode: number])[] = [
  ['symlink', 'pkg/link', 'link or a special file', 0o120777],
  ['symlink-to-folder', 'pkg/lib', 'link or a special file', 0o120755],
  ['device-character', 'pkg/null', 'link or a special file', 0o020666],
  ['device-block', 'pkg/disk', 'link or a special file', 0o060660],
  ['pipe', 'pkg/pipe', 'link or a special file', 0o010644],
  ['socket', 'pkg/socket', 'link or a special file', 0o140644],
  ['file-marked-as-folder', 'pkg/folder', 'marked as a folder', 0o040755],
];

const methods: readonly (readonly [reason: string, method: number])[] = [
  ['method-deflate64', 9],
  ['method-bzip2', 12],
  ['method-lzma', 14],
  ['method-zstandard', 93],
];

/** Names and kinds of members that no wheel may have. */
export const memberNames: readonly Rejection[] = [
  ...names.map(([reason, at, rule, spec]) => fromSpec(reason, ['WHEEL_ENTRY', at, rule], spec)),
  ...types.map(([reason, name, rule, mode]) =>
    fromMembers(reason, ['WHEEL_ENTRY', name, rule], also({ name, data, mode })),
  ),
  ...methods.map(([reason, method]) =>
    fromMembers(reason, ['WHEEL_ENTRY', victim, `compression method ${method}`], (members) =>
      members.map((member) => (member.name === victim ? { ...member, method } : member)),
    ),
  ),
  fromMembers(
    'folder-with-contents',
    ['WHEEL_ENTRY', 'pkg/sub/', 'folder with contents'],
    also({ name: 'pkg/sub/', data }),
  ),
  fromMembers('folder-twice', ['WHEEL_ENTRY', 'pkg/', 'twice'], also(...['pkg/', 'pkg/'].map(folder))),
  fromMembers('folder-case-clash', ['WHEEL_ENTRY', 'Pkg/', 'in case only'], also(folder('Pkg/'))),
  fromMembers('folder-parent', ['WHEEL_ENTRY', '../', "'..' part"], also(folder('../'))),
  fromMembers(
    'name-twice',
    ['WHEEL_ENTRY', victim, 'twice'],
    also({ name: victim, data: Buffer.from('evil') }),
  ),
  fromMembers('name-twice-equal', ['WHEEL_ENTRY', victim, 'twice'], also({ name: victim, data })),
  fromMembers('name-not-utf8', ['WHEEL_ENTRY', 'pkg/', 'not a UTF-8 name'], also(raw([0xff, 0x62], 0x800))),
  fromMembers(
    'name-utf8-overlong',
    ['WHEEL_ENTRY', 'pkg/', 'not a UTF-8 name'],
    also(raw([0xc0, 0xaf], 0x800)),
  ),
  fromMembers(
    'name-utf8-surrogate',
    ['WHEEL_ENTRY', 'pkg/', 'not a UTF-8 name'],
    also(raw([0xed, 0xa0, 0x80], 0x800)),
  ),
  fromMembers('name-not-marked-utf8', ['WHEEL_ENTRY', 'pkg/', 'lacks the flag'], also(raw([0xc3, 0xa9], 0))),
  fromMembers('stored-with-two-sizes', ['WHEEL_ENTRY', victim, 'two sizes'], (members) =>
    members.map((member) => (member.name === victim ? { ...member, both: { sizeBytes: 5 } } : member)),
  ),
];

function folder(name: string): ForgedMember {
  return { name, data: Buffer.alloc(0), mode: 0o040755 };
}

function raw(bytes: number[], flags: number): ForgedMember {
  return { name: Buffer.concat([Buffer.from('pkg/'), Buffer.from(bytes)]), data, both: { flags } };
}

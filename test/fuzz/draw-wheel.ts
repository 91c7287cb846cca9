import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { distInfo, fileName, sound } from '../archives/rejection.js';
import { type ForgedEnd, type ForgedMember, forgeZip } from '../archives/zip-forge.js';
import { type Random, seededRandom } from '../faults/random.js';
import { metadataText, rowOf, type WheelSpec, wheelMembers, wheelText } from '../support/wheel-builder.js';
import { chance, drawItem, drawNumber } from './draw.js';
import { drawEnd, mutateBytes, mutateFields, mutateMembers, rewrite } from './mutate-archive.js';
import { mutateText } from './mutate-text.js';

export interface DrawnWheel {
  fileName: string;
  data: Buffer;
}

const entryPoints = '[console_scripts]\nrun = pkg:main\n\n[gui_scripts]\nshow = pkg.gui:App.run [x]\n';
const richMetadata = `${metadataText('sample', '1.0', [
  'requests[socks] (>=2.8.1,<3) ; python_version < "3.12" and extra == "net"',
  'other @ https://example.org/other-1.0.zip ; os_name == "posix"',
])}`;

/** Round `round` of a run with `seed`: a wheel, sound, or changed in any of its layers. */
export async function drawWheel(seed: number, round: number, real: readonly string[]): Promise<DrawnWheel> {
  const random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(round + 1, 0x85ebca6b));
  if (real.length > 0 && chance(random, 0.03)) {
    const path = drawItem(random, real);
    return { fileName: basename(path), data: mutateBytes(await readFile(path), random) };
  }
  const spec = drawSpec(random);
  let members: ForgedMember[] = wheelMembers(spec);
  if (chance(random, 0.5)) members = members.map((member) => rewrite(member, random));
  let end: ForgedEnd = {};
  const layer = drawNumber(random, 6);
  if (layer === 0) members = mutateFields(members, random);
  if (layer === 1) members = mutateMembers(members, random);
  if (layer === 2) end = drawEnd(random, () => forgeZip(members));
  const data = forgeZip(members, end);
  return { fileName, data: layer === 3 || chance(random, 0.05) ? mutateBytes(data, random) : data };
}

/** A wheel whose RECORD agrees with what it holds, unless RECORD is what is changed. */
function drawSpec(random: Random): WheelSpec {
  const spec: WheelSpec = { files: drawFiles(random), entryPoints, metadata: richMetadata };
  if (chance(random, 0.5)) return spec;
  return drawItem<() => WheelSpec>(random, [
    () => ({ ...spec, metadata: mutateText(richMetadata, random) }),
    () => ({ ...spec, wheel: mutateText(wheelText(true, 'py3-none-any'), random) }),
    () => ({ ...spec, entryPoints: mutateText(entryPoints, random) }),
    () => ({ ...spec, distInfo: mutateText(distInfo, random) }),
    () => ({
      ...spec,
      members: (members) => members.map((member) => mutateRecord(member as ForgedMember, random)) as never,
    }),
    () => ({
      ...spec,
      record: (rows) =>
        rows.map((row) => {
          const field = drawItem(random, ['path', 'hash', 'size'] as const);
          return chance(random, 0.2) ? { ...row, [field]: mutateText(row[field], random) } : row;
        }),
    }),
    () => ({
      ...spec,
      record: (rows) => [...rows, rowOf(mutateText('pkg/data.txt', random), Buffer.from('x'))],
    }),
  ])();
}

function mutateRecord(member: ForgedMember, random: Random): ForgedMember {
  if (!String(member.name).endsWith('/RECORD')) return member;
  return { ...member, data: Buffer.from(mutateText(member.data.toString('utf8'), random)) };
}

const paths: readonly string[] = [
  'sample-1.0.data/scripts/tool',
  'sample-1.0.data/scripts/run',
  'sample-1.0.data/purelib/pkg/extra.py',
  'sample-1.0.data/platlib/pkg/fast.so',
  'sample-1.0.data/data/share/sample/x.txt',
  'sample-1.0.data/data/lib/python3.11/site-packages/other.py',
  'sample-1.0.data/data/bin/helper',
  'sample-1.0.data/headers/sample.h',
  'pkg/ünïcode.py',
  'pkg/with space, and "quotes".txt',
  `${distInfo}/licenses/LICENSE`,
];

function drawFiles(random: Random): Record<string, string | Buffer> {
  const files: Record<string, string | Buffer> = { ...sound };
  for (const path of paths) {
    if (!chance(random, 0.3)) continue;
    const isOdd = chance(random, 0.15);
    files[isOdd ? mutateText(path, random).slice(0, 60_000) : path] = drawItem(random, [
      '#!python\nprint(1)\n',
      '#!pythonw',
      '',
      'x = 1\n',
      Buffer.alloc(70_000, 'abc'),
    ]);
  }
  return files;
}

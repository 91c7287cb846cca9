import { relative } from 'node:path';
import { errorCodes } from '../../base/errors.js';
import type { Workspace } from '../../env/workspace.js';
import { type ImageUser, usersOf } from '../../store/users.js';
import { type ImageVerdict, type Verification, verifyStore } from '../../store/verify/verify.js';
import { formatBytes, plural, type Report } from '../render.js';
import { formatTable } from '../table.js';

/** The exit status is that of IMAGE_DAMAGED where an image is not sound. */
export async function verifyImages(
  { store, progress, signal }: Workspace,
  distributions: string[],
): Promise<Report> {
  const found = await verifyStore(store.layout, { distributions, progress, signal });
  const users = await usersOf(store.layout, new Set(found.faulty.map(({ image }) => image)));
  const damaged = found.faulty.map((verdict) => ({ ...verdict, users: users.get(verdict.image) ?? [] }));
  const { faulty: _, ...summary } = found;
  return {
    data: { ...summary, damaged },
    text: [
      ...(damaged.length === 0 ? [] : [tableOf(damaged, store.layout.images)]),
      ...found.strange.map((path) => `note: ${path} is no image; nothing of shenv-fs made it`),
      describe(found),
    ].join('\n'),
    exitStatus: damaged.length === 0 ? 0 : errorCodes.IMAGE_DAMAGED,
  };
}

function tableOf(damaged: readonly (ImageVerdict & { users: ImageUser[] })[], images: string): string {
  const rows = damaged.flatMap(({ path, faults, users }) =>
    faults.map(({ rule }, index) =>
      index === 0
        ? [relative(images, path), rule, users.map(describeUser).join(', ') || 'none']
        : ['', rule, ''],
    ),
  );
  return formatTable(['IMAGE', 'WHAT IS WRONG', 'SHOWN BY'], rows);
}

export function describeUser({ homePath, home, environment, generations }: ImageUser): string {
  const numbers = generations.length === 1 ? generations[0] : `${generations[0]}-${generations.at(-1)}`;
  return `${environment}@${numbers} (${homePath ?? `home ${home}`})`;
}

function describe({ count, bytes, durationMs, faulty }: Verification): string {
  const rate = formatBytes((bytes * 1000) / Math.max(1, durationMs));
  const looked = `${plural(count, 'image')}, ${formatBytes(bytes)} in ${(durationMs / 1000).toFixed(1)} s (${rate}/s)`;
  if (faulty.length === 0) return `${looked}: all sound`;
  return `${looked}: ${faulty.length} not sound\n\`shenv-fs store repair\` puts damaged images aside and rebuilds them.`;
}

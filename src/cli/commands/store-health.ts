import { relative } from 'node:path';
import { errorCodes } from '../../base/errors.js';
import { checkSealed } from '../../env/sealed/seal.js';
import { type RepairedImage, repairStore } from '../../env/store-repair/repair-store.js';
import { type ImageUser, printable, readStoreUse, titleOf, usersByImage } from '../../env/store-use.js';
import type { Workspace } from '../../env/workspace.js';
import { type ImageVerdict, type Verification, verifyStore } from '../../store/verify/verify.js';
import { formatBytes, plural, type Report } from '../render.js';
import { formatTable } from '../table.js';
import { firstStoreLines, gapLines } from './store-usage.js';
import { type IndexOptions, indexArgs } from './wanted-options.js';

/** The exit status is that of IMAGE_DAMAGED where an image is not sound. */
export async function verifyImages(workspace: Workspace, distributions: string[]): Promise<Report> {
  const { store, progress, signal } = workspace;
  const found = await verifyStore(store, { distributions, progress, signal });
  const use = found.faulty.length > 0 ? await readStoreUse(workspace) : undefined;
  const users = use ? usersByImage(use) : new Map<string, ImageUser[]>();
  const damaged = found.faulty.map((verdict) => ({ ...verdict, users: users.get(verdict.image) ?? [] }));
  const { faulty: _, ...summary } = found;
  const gaps = use?.gaps ?? [];
  const sealed = distributions.length === 0 ? await checkSealed(workspace) : { count: 0, faults: [] };
  return {
    data: { ...summary, damaged, sealed, gaps: gaps.map(({ what }) => what) },
    text: [
      ...(damaged.length === 0 ? [] : [tableOf(damaged, store.layout.images)]),
      ...noteLines(found),
      ...sealed.faults.map(({ name, message }) => `${message}: \`shenv-fs seal ${name}\` makes it anew`),
      describe(found),
      ...gapLines({ gaps }),
      ...firstStoreLines(store),
    ].join('\n'),
    exitStatus:
      damaged.length > 0
        ? errorCodes.IMAGE_DAMAGED
        : sealed.faults.length > 0
          ? errorCodes.SEALED_UNUSABLE
          : 0,
  };
}

/** What is no fault and good to know. */
function noteLines({ strange, unlisted, unbelieved }: Verification): string[] {
  const uids = [...new Set(unbelieved.map(({ uid }) => uid))].sort((a, b) => a - b);
  return [
    ...strange.map((path) => `note: ${printable(path)} is no image; nothing of shenv-fs made it`),
    ...unlisted.map((path) => `note: ${printable(path)} may not be listed by this user`),
    ...(uids.length === 0
      ? []
      : [
          `note: ${plural(unbelieved.length, 'image')} of users who are not believed here (${uids.join(', ')}); no environment of others shows them`,
        ]),
  ];
}

export interface RepairStoreOptions extends IndexOptions {
  dryRun?: boolean;
}

/** The exit status is that of IMAGE_DAMAGED where an image could not be rebuilt. */
export async function repairImages(
  workspace: Workspace,
  distributions: string[],
  options: RepairStoreOptions,
): Promise<Report> {
  const dryRun = options.dryRun === true;
  const { findLinks } = options;
  const data = await repairStore(workspace, {
    distributions,
    dryRun,
    findLinks,
    indexArgs: indexArgs(options),
  });
  const { images, gaps } = data;
  if (!dryRun) await showAgain(workspace, images);
  const isWhole = images.every(({ outcome }) => outcome === 'rebuilt' || outcome === 'would be rebuilt');
  const rebuilt = images.filter(({ outcome }) => outcome.endsWith('rebuilt')).length;
  return {
    data: { ...data, gaps: gaps.map(({ what }) => what) },
    text: [
      ...(images.length === 0 ? [] : [repairTable(images, workspace.store.layout.images)]),
      ...images.filter(({ outcome }) => outcome === 'lost').flatMap(remedyOf),
      images.length === 0
        ? `${plural(data.count, 'image')}: all sound`
        : `${plural(rebuilt, 'image')} ${dryRun ? 'would be ' : ''}rebuilt`,
      ...gapLines({ gaps }),
      ...firstStoreLines(workspace.store),
    ].join('\n'),
    exitStatus: isWhole ? 0 : errorCodes.IMAGE_DAMAGED,
  };
}

/** Mounts of this user read the new files from now on; what is lost they show as long as they have it open. */
async function showAgain({ places }: Workspace, images: readonly RepairedImage[]): Promise<void> {
  const replaced = images.filter(({ outcome }) => outcome === 'rebuilt').map(({ path }) => path);
  if (replaced.length === 0) return;
  const { reloadImages } = await import('../../mount/runtime.js');
  await reloadImages(places.runtime, places.store, replaced);
}

function repairTable(images: readonly RepairedImage[], folder: string): string {
  const rows = images.map(({ path, faults, outcome, how, users, ...place }) => [
    nameOf({ path, ...place }, folder),
    faults[0]!.rule,
    `${outcome}: ${how}`,
    users.map(describeUser).join(', ') || 'none',
  ]);
  return formatTable(['IMAGE', 'WHAT IS WRONG', 'DONE', 'SHOWN BY'], rows);
}

function remedyOf({ path, asideAt, users, image }: RepairedImage): string[] {
  const remedy =
    users.length === 0
      ? 'no environment shows it'
      : image.includes('.')
        ? 'sync or create its environments again'
        : 'give a folder with its wheel by --find-links, or `shenv-fs sync` its environments to other wheels';
  return [`${path} is lost${asideAt === undefined ? '' : ` (the damaged file is ${asideAt})`}: ${remedy}`];
}

function tableOf(damaged: readonly (ImageVerdict & { users: ImageUser[] })[], images: string): string {
  const rows = damaged.flatMap(({ faults, users, ...place }) =>
    faults.map(({ rule }, index) =>
      index === 0
        ? [nameOf(place, images), rule, users.map(describeUser).join(', ') || 'none']
        : ['', rule, ''],
    ),
  );
  return formatTable(['IMAGE', 'WHAT IS WRONG', 'SHOWN BY'], rows);
}

function nameOf(
  { path, uid, isBelieved }: Pick<ImageVerdict, 'path' | 'uid' | 'isBelieved'>,
  images: string,
): string {
  const name = printable(relative(images, path));
  return isBelieved ? name : `${name} (of user ${uid}, who is not believed)`;
}

function describeUser({ homePath, home, environment, generations }: ImageUser): string {
  const numbers = generations.length === 1 ? generations[0] : `${generations[0]}-${generations.at(-1)}`;
  return `${printable(environment)}@${numbers} (${titleOf({ path: homePath, id: home })})`;
}

function describe({ count, bytes, durationMs, faulty }: Verification): string {
  const rate = formatBytes((bytes * 1000) / Math.max(1, durationMs));
  const looked = `${plural(count, 'image')}, ${formatBytes(bytes)} in ${(durationMs / 1000).toFixed(1)} s (${rate}/s)`;
  if (faulty.length === 0) return `${looked}: all sound`;
  return `${looked}: ${faulty.length} not sound\n\`shenv-fs store repair\` puts damaged images aside and rebuilds them.`;
}

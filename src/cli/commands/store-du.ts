import { accountStore, ownEnvironments, type StoreAccounts } from '../../env/store-accounts.js';
import { environmentTitle, titleOf } from '../../env/store-use.js';
import type { Workspace } from '../../env/workspace.js';
import {
  byDistribution,
  type DistributionAccount,
  type EnvironmentAccount,
  freedTogether,
} from '../../store/accounting.js';
import { formatBytes, plural, type Report } from '../render.js';
import { formatTable } from '../table.js';
import { firstStoreLines, gapLines } from './store-usage.js';

/** `store du`: what the store holds and which environment has how much of it. */
export async function diskUsage(
  workspace: Workspace,
  names: string[],
  options: { by: 'environment' | 'distribution' },
): Promise<Report> {
  const accounts = await accountStore(workspace);
  const chosen = names.length === 0 ? undefined : new Set(ownEnvironments(accounts, names));
  const listed = accounts.environments.filter(({ environment }) => chosen?.has(environment) ?? true);
  const images = accounts.images.filter(
    ({ users }) => chosen === undefined || [...users.keys()].some((environment) => chosen.has(environment)),
  );
  const distributions = byDistribution(images);
  const together = chosen && freedTogether(accounts.images, chosen);
  const table =
    options.by === 'distribution' ? distributionTable(distributions) : environmentTable(listed, accounts);
  const lines = [
    ...(table === undefined ? [] : [table, '']),
    ...(together === undefined || names.length < 2
      ? []
      : [`Without these ${names.length}, ${formatBytes(together)} can be freed.`]),
    ...totalLines(accounts),
    ...missingLines(listed, accounts),
    ...gapLines(accounts.use),
    ...firstStoreLines(workspace.store),
  ];
  return {
    data: { ...accountsData(accounts, listed, distributions), ...optional(together) },
    text: lines.join('\n'),
  };
}

function optional(together: number | undefined): { freesTogether?: number } {
  return together === undefined ? {} : { freesTogether: together };
}

function environmentTable(listed: readonly EnvironmentAccount[], { use }: StoreAccounts): string | undefined {
  if (listed.length === 0) return undefined;
  const rows = listed.map(({ environment, ...item }) => [
    environmentTitle(use, environment),
    ...[item.shows, item.own, item.earlier, item.shared, item.frees].map(formatBytes),
  ]);
  return formatTable(['ENVIRONMENT', 'SHOWS', 'OWN', 'EARLIER', 'SHARED', 'FREES'], rows);
}

function distributionTable(distributions: readonly DistributionAccount[]): string | undefined {
  if (distributions.length === 0) return undefined;
  const rows = distributions.map((item) => [
    item.name,
    item.versions.join(', '),
    ...[item.bytes, item.bytecode, item.unused].map(formatBytes),
    String(item.environmentCount),
  ]);
  return formatTable(['DISTRIBUTION', 'VERSIONS', 'ON DISK', 'BYTECODE', 'UNUSED', 'ENVIRONMENTS'], rows);
}

function totalLines({ images, environments, totals, disk, manifests }: StoreAccounts): string[] {
  const unused = images.filter(({ users }) => users.size === 0).length;
  const aside = [
    `roots ${formatBytes(disk.roots)}`,
    `manifests of this home ${formatBytes(manifests)}`,
    ...(disk.condemned > 0 ? [`being collected ${formatBytes(disk.condemned)}`] : []),
    ...(disk.damaged > 0 ? [`set aside as damaged ${formatBytes(disk.damaged)}`] : []),
  ];
  return [
    `${plural(environments.length, 'environment')} show ${formatBytes(totals.shows)}; ` +
      `${plural(images.length, 'image')} take ${formatBytes(totals.images)} on disk (bytecode ${formatBytes(totals.bytecode)})`,
    `  of one environment each ${formatBytes(totals.exclusive)}, shared ${formatBytes(totals.shared)}, ` +
      `unused ${formatBytes(totals.unused)} (${plural(unused, 'image')})`,
    `  sharing factor ${totals.sharingFactor.toFixed(2)}`,
    `Store ${formatBytes(disk.total)} on disk, of this: ${aside.join(', ')}`,
  ];
}

function missingLines(listed: readonly EnvironmentAccount[], { use }: StoreAccounts): string[] {
  return listed
    .filter(({ missing }) => missing.length > 0)
    .map(
      ({ environment, missing }) =>
        `${environmentTitle(use, environment)} shows ${plural(missing.length, 'image')} that the store does not have`,
    );
}

/** The figures for programs: bytes; `shows` and `contentBytes` are of files, all else is on disk. */
export function accountsData(
  { images, totals, disk, manifests, use }: StoreAccounts,
  listed: readonly EnvironmentAccount[],
  distributions: readonly DistributionAccount[],
) {
  const pathOf = (id: string) => titleOf(use.homes.find((home) => home.id === id)!);
  return {
    totals: {
      ...totals,
      store: disk.total,
      roots: disk.roots,
      manifests,
      condemned: disk.condemned,
      damaged: disk.damaged,
    },
    environments: listed.map(({ environment, ...item }) => ({
      environment: environment.name,
      home: environment.home,
      homePath: pathOf(environment.home),
      generations: new Set(environment.generations.map(({ generation }) => generation)).size,
      ...item,
    })),
    distributions,
    unused: images
      .filter(({ users }) => users.size === 0)
      .map(({ name, version, cacheTag, path, bytesOnDisk }) => ({
        name,
        version,
        bytecode: cacheTag ?? null,
        path,
        bytesOnDisk,
      })),
    gaps: use.gaps.map(({ what }) => what),
  };
}

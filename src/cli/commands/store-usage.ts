import { forget } from '../../env/forget-home.js';
import { environmentTitle, readStoreUse, type StoreUse, titleOf } from '../../env/store-use.js';
import type { Workspace } from '../../env/workspace.js';
import { type AccountedImage, account, sumBytes } from '../../store/accounting.js';
import { listHoldings } from '../../store/holdings.js';
import { type ImageUse, type KnownHome, readHomes } from '../../store/usage.js';
import { normalizeName } from '../../wheel/filename.js';
import { formatBytes, plural, type Report } from '../render.js';
import { formatTable } from '../table.js';

/** `store list --used-by`: each image, those of bytecode too, with the generations that show it. */
export async function listUses(workspace: Workspace, distribution: string | undefined): Promise<Report> {
  const use = await readStoreUse(workspace);
  const wanted = distribution === undefined ? undefined : normalizeName(distribution);
  const { images } = account(await listHoldings(workspace.store.layout), use.environments);
  const listed = images.filter(({ name }) => wanted === undefined || name === wanted);
  const data = {
    images: listed.map((image) => imageData(image, use)),
    gaps: use.gaps.map(({ what }) => what),
  };
  if (listed.length === 0) return { data, text: 'No images.' };
  const rows = listed.map((image) => [
    image.name,
    image.version,
    image.cacheTag ?? '',
    formatBytes(image.bytesOnDisk),
    image.users.size === 0 ? 'unused' : usersText(image, use),
  ]);
  const unused = listed.filter(({ users }) => users.size === 0);
  const lines = [
    formatTable(['DISTRIBUTION', 'VERSION', 'BYTECODE', 'ON DISK', 'USED BY'], rows),
    `${plural(listed.length, 'image')}, ${unused.length} unused (${formatBytes(sumBytes(unused))})`,
    ...gapLines(use),
    ...firstStoreLines(workspace.store),
  ];
  return { data, text: lines.join('\n') };
}

function imageData(image: AccountedImage, { homes }: StoreUse) {
  const { name, version, cacheTag, path, bytesOnDisk, uses, users } = image;
  const pathOf = (id: string) => homes.find((home) => home.id === id)?.path ?? null;
  return {
    name,
    version,
    bytecode: cacheTag ?? null,
    path,
    bytesOnDisk,
    isUsed: users.size > 0,
    usedBy: uses.map(({ environment: { home, name: environment }, generation, isCurrent }) => ({
      home,
      homePath: pathOf(home),
      environment,
      generation,
      isCurrent,
    })),
  };
}

/** `web, api@1,2`: generations are told where the current one is not among those that show it. */
function usersText({ uses, users }: AccountedImage, use: StoreUse): string {
  return [...users]
    .map(([environment, isCurrent]) => {
      const numbers = generationsOf(uses.filter((item) => item.environment === environment));
      const isOnlyCurrent = isCurrent && numbers.length === 1;
      return `${environmentTitle(use, environment)}${isOnlyCurrent ? '' : ` @${numbers.join(',')}`}`;
    })
    .join('; ');
}

function generationsOf(uses: readonly ImageUse[]): number[] {
  return [...new Set(uses.map(({ generation }) => generation))].sort((a, b) => a - b);
}

/** What makes the answer incomplete; commands end their text with it. */
export function gapLines({ gaps }: Pick<StoreUse, 'gaps'>): string[] {
  return gaps.map(({ what }) => `Not complete: ${what}; images may be in use that seem unused`);
}

/** Of which store a command tells where there are several; those that look after a store end their text with it. */
export function firstStoreLines({ parts, layout }: Workspace['store']): string[] {
  return parts.length === 1 ? [] : [`This is of ${layout.root} alone, the first of ${parts.length} stores.`];
}

/** `store roots`: the homes that the store knows, with what their roots tell. */
export async function listRoots({ store }: Workspace): Promise<Report> {
  const data = (await readHomes(store.layout)).map(homeData);
  if (data.length === 0) return { data, text: 'The store knows no home.' };
  const rows = data.map((home) => [
    home.path ?? 'lost',
    home.id,
    home.host ?? '',
    stateOf(home),
    ...[home.environments, home.generations, home.damaged, home.halved].map(String),
  ]);
  const head = ['HOME', 'ID', 'HOST', 'STATE', 'ENVIRONMENTS', 'GENERATIONS', 'DAMAGED', 'HALVED'];
  return { data, text: formatTable(head, rows) };
}

function homeData(home: KnownHome) {
  const { id, path, host, isReachable, isReadable, roots } = home;
  return {
    id,
    path: path ?? null,
    host: host ?? null,
    isReachable,
    isReadable,
    environments: new Set(roots.live.map(({ serial }) => serial)).size,
    generations: new Set(roots.live.map(({ serial, generation }) => `${serial}-${generation}`)).size,
    damaged: roots.live.filter(({ manifest }) => !manifest).length,
    halved: roots.halved.length,
  };
}

function stateOf({ isReachable, isReadable }: Pick<KnownHome, 'isReachable' | 'isReadable'>): string {
  if (!isReadable) return 'roots not readable';
  return isReachable ? 'reachable' : 'not reachable';
}

/** `store forget`. */
export async function forgetHome(
  workspace: Workspace,
  home: string,
  options: { force?: boolean },
): Promise<Report> {
  const data = await forget(workspace, home, options.force === true);
  const had = `${plural(data.environments, 'environment')} in ${plural(data.generations, 'generation')}`;
  const lines = [
    `Forgot ${titleOf({ path: data.path, id: data.home })} with ${had}.`,
    data.unusedBytes === 0
      ? 'No image is unused because of it.'
      : `${formatBytes(data.unusedBytes)} of images that only it referred to are unused now; the next gc may remove them.`,
  ];
  return { data, text: lines.join('\n') };
}

import type { Differences } from '../../env/change.js';
import type { Workspace } from '../../env/workspace.js';
import type { Clash } from '../../view/tree.js';

/** Makes a change visible in every mount of this user; resolves when it is. Nothing to load where nothing runs. */
export async function publish({ places }: Workspace): Promise<void> {
  const { reloadMounts } = await import('../../mount/runtime.js');
  await reloadMounts(places.runtime, places.home);
}

export function describeClashes(clashes: readonly Clash[]): string[] {
  return clashes.map(
    ({ path, earlier, later }) => `  note: '${path}' is in ${earlier} and ${later}; the latter is shown`,
  );
}

/** A line for each distribution that came, went, or was replaced. */
export function describeDifferences({ added, removed, replaced }: Differences): string[] {
  return [
    ...added.map(({ name, version }) => ` + ${name} ${version}`),
    ...removed.map(({ name, version }) => ` - ${name} ${version}`),
    ...replaced.map(({ from, to }) => ` ~ ${from.name} ${from.version} -> ${to.version}`),
  ];
}

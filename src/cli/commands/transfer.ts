import { ShenvError } from '../../base/errors.js';
import { readReference } from '../../env/reference.js';
import { exportEnvironment } from '../../env/transfer/export.js';
import { type Imported, importVenv } from '../../env/transfer/import.js';
import { packEnvironment } from '../../env/transfer/pack.js';
import { unpackEnvironment } from '../../env/transfer/unpack.js';
import type { Workspace } from '../../env/workspace.js';
import { assertNoLocalEdits } from '../../env/writable.js';
import { formatBytes, plural, type Report } from '../render.js';
import { describeClashes, publish } from './changes.js';

/** How many paths of a kind are shown; `--json` has all. */
const shownPaths = 20;

export async function exportTo(
  workspace: Workspace,
  reference: string,
  folder: string,
  options: { link: string; ignoreEdits?: boolean },
): Promise<Report> {
  assertCopies(options.link);
  if (!options.ignoreEdits) await assertNoLocalEdits(workspace.environments, reference);
  const startedMs = Date.now();
  const manifest = await readReference(workspace, reference);
  const { path, files, bytes } = await exportEnvironment(workspace, manifest, folder);
  const seconds = (Date.now() - startedMs) / 1000;
  const { name, generation } = manifest;
  return {
    data: { name, generation, path, files, bytes, seconds },
    text: `Exported '${name}' (generation ${generation}) to ${path}: ${plural(files, 'file')}, ${formatBytes(bytes)} (${seconds.toFixed(1)} s)`,
  };
}

function assertCopies(link: string): void {
  if (link === 'auto' || link === 'copy') return;
  const reasons: Readonly<Record<string, string>> = {
    hardlink: 'a file of an environment lies inside an image, and a part of a file has no name to link',
    symlink: 'a file of an environment lies inside an image, so there is no path that a link could lead to',
    reflink: 'cloning parts of images is not supported',
  };
  throw new ShenvError('USAGE', `--link ${link} cannot be: ${reasons[link] ?? 'there is no such way'}`, {
    hint: 'Use --link copy; or mount the environment, which takes no space at all.',
  });
}

export async function importFrom(
  workspace: Workspace,
  folder: string,
  name: string,
  options: { python?: string; bytecode: boolean },
): Promise<Report> {
  const startedMs = Date.now();
  const { manifest, ...imported } = await importVenv(workspace, { folder, name, ...options });
  await publish(workspace);
  const seconds = (Date.now() - startedMs) / 1000;
  const distributions = manifest.layers.map(({ image }) => `${image.name} ${image.version}`);
  return {
    data: { name, distributions, ...imported, seconds },
    text: [
      `Imported '${name}' with Python ${imported.python}: ${plural(distributions.length, 'distribution')}, ` +
        `${imported.shared} shared with the store, ${imported.imagesAdded} new (${seconds.toFixed(1)} s)`,
      ...describeDifferences(imported),
      ...describeClashes(imported.clashes),
    ].join('\n'),
  };
}

function describeDifferences(imported: Omit<Imported, 'manifest'>): string[] {
  const { modified, missing, loose, left, localFiles } = imported;
  const named = ({ distribution, path }: { distribution: string; path: string }) =>
    `${path} (${distribution})`;
  const kept = localFiles === undefined ? '' : `, in ${localFiles}`;
  return [
    ...listPaths(`modified since it was installed; taken over as it is`, modified.map(named)),
    ...listPaths('named by RECORD and not there', missing.map(named)),
    ...listPaths(`of no distribution; kept${kept}`, loose),
    ...listPaths(
      'not taken over',
      left.map(({ path, reason }) => `${path}: ${reason}`),
    ),
  ];
}

function listPaths(title: string, paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const more = paths.length > shownPaths ? [`    … and ${paths.length - shownPaths} more`] : [];
  return [
    `  ${plural(paths.length, 'file')} ${title}:`,
    ...paths.slice(0, shownPaths).map((path) => `    ${path}`),
    ...more,
  ];
}

export async function packTo(
  workspace: Workspace,
  reference: string,
  file: string,
  options: { ignoreEdits?: boolean },
): Promise<Report> {
  if (!options.ignoreEdits) await assertNoLocalEdits(workspace.environments, reference);
  const manifest = await readReference(workspace, reference);
  const { path, images, bytes } = await packEnvironment(workspace, manifest, file);
  const { name, generation } = manifest;
  return {
    data: { name, generation, path, images, bytes },
    text: `Packed '${name}' (generation ${generation}) into ${path}: ${plural(images, 'image')}, ${formatBytes(bytes)}`,
  };
}

export async function unpackFrom(
  workspace: Workspace,
  file: string,
  name: string | undefined,
  options: { python?: string },
): Promise<Report> {
  const request = { file, ...(name === undefined ? {} : { name }), ...options };
  const { manifest, python, imagesAdded, editables, clashes } = await unpackEnvironment(workspace, request);
  await publish(workspace);
  const count = manifest.layers.length;
  return {
    data: { name: manifest.name, python, distributions: count, imagesAdded, editables, clashes },
    text: [
      `Unpacked '${manifest.name}' with Python ${python}: ${plural(count, 'distribution')}, ` +
        `${imagesAdded} new in the store`,
      ...editables.map((item) => `  note: ${item} is editable; its project's folder is not in the pack`),
      ...describeClashes(clashes),
    ].join('\n'),
  };
}

import { digestOf, readDigests } from '../../image/digests.js';
import { walkImage } from '../../image/dump.js';
import type { Image } from '../../image/read.js';
import type { Workspace } from '../workspace.js';
import type { Installed } from './survey.js';
import type { Venv } from './venv.js';

/**
 * The image of the same distribution and version whose files are those that RECORD names, of the index's
 * wheel before one that was built here; undefined where the store has none. Modified files count as what
 * RECORD says of them: they can lie on top. Metadata cannot, so modified metadata has no equal.
 */
export async function findEqualImage(
  { outlines }: Workspace,
  venv: Venv,
  installed: Installed,
): Promise<Image | undefined> {
  const metadataFolder = `${venv.sitePackages}/${installed.distInfo}/`;
  for (const [path, { recorded }] of installed.files)
    if (recorded !== undefined && path.startsWith(metadataFolder)) return undefined;
  const { name, version } = installed.metadata;
  const images = outlines.listVersion(name, version);
  const builtHere = ({ meta }: Image) => (meta.builtFrom === undefined ? 0 : 1);
  for (const image of images.sort((a, b) => builtHere(a) - builtHere(b)))
    if (await hasFilesOf(image, venv, installed)) return image;
  return undefined;
}

async function hasFilesOf(image: Image, venv: Venv, installed: Installed): Promise<boolean> {
  const digests = await readDigests(image);
  const generated = new Set(installed.generated);
  let equal = 0;
  for (const { path, node } of walkImage(image)) {
    if (image.isDirectory(node)) continue;
    const place = placeOf(image, venv, path);
    if (generated.has(place)) continue;
    const file = installed.files.get(place);
    const expected = image.isPythonScript(node) ? file?.bodyDigest : (file?.recorded ?? file?.digest);
    if (expected !== digestOf(digests, image.fileOf(node).digestIndex).toString('hex')) return false;
    equal += 1;
  }
  return equal === installed.files.size;
}

/** Where an environment has a file of an image. */
function placeOf(image: Image, { sitePackages, minor }: Venv, path: string): string {
  const slash = path.indexOf('/');
  const [scheme, rest] = [path.slice(0, slash), path.slice(slash + 1)];
  if (scheme === 'site') return `${sitePackages}/${rest}`;
  if (scheme === 'include') return `include/site/python${minor}/${image.meta.name}/${rest}`;
  return scheme === 'bin' ? `bin/${rest}` : rest;
}

import { fileURLToPath } from 'node:url';
import type { Layer } from '../manifest/types.js';
import { normalizeName } from '../wheel/filename.js';
import type { Download } from './pin.js';

/** Distributions that `pip freeze` leaves out before Python 3.12; later ones leave out pip alone. */
const installersOwn = new Set(['pip', 'setuptools', 'wheel', 'distribute']);

/** Requirements that pin what the layers show, line for line as `pip freeze` prints them. Pure. */
export function freeze(layers: readonly Layer[], minor: string, all: boolean): string[] {
  const isOwn = (name: string) =>
    name === 'pip' || (Number(minor.split('.')[1]) < 12 && installersOwn.has(name));
  return layers
    .filter(({ image }) => all || !isOwn(normalizeName(image.name)))
    .sort((a, b) => (a.image.name.toLowerCase() < b.image.name.toLowerCase() ? -1 : 1))
    .flatMap(frozenLines);
}

function frozenLines({ image, directUrl }: Layer): string[] {
  const direct = directUrl as Download | undefined;
  if (!direct) return [`${image.name}==${image.version}`];
  if (direct.dir_info?.editable) {
    const comment = `# Editable install with no version control (${image.name}==${image.version})`;
    return [comment, `-e ${fileURLToPath(direct.url)}`];
  }
  const { url, vcs_info: repository, subdirectory } = direct;
  const source = repository ? `${repository.vcs}+${url}@${repository.commit_id}` : url;
  const hash = direct.archive_info?.hash ?? firstHash(direct.archive_info?.hashes);
  const fragments = [
    ...(hash === undefined ? [] : [hash]),
    ...(subdirectory === undefined ? [] : [`subdirectory=${subdirectory}`]),
  ];
  return [`${image.name} @ ${source}${fragments.length > 0 ? `#${fragments.join('&')}` : ''}`];
}

function firstHash(hashes: Record<string, string> | undefined): string | undefined {
  const [entry] = Object.entries(hashes ?? {});
  return entry && `${entry[0]}=${entry[1]}`;
}

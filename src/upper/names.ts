import { FileError } from './file-error.js';

/** Of a file that says that the rest of its name is not shown from the lower tree. */
export const whiteoutPrefix = '.wh.';
/** A file that holds the path of the lower folder which its folder is merged with. */
export const markerName = '.wh..lower';
/** What a whiteout for it would be called has another meaning. */
const unhideableName = '.lower';
const maxNameBytes = 255;

/** The name on disk of the whiteout of `name`. Throws ENAMETOOLONG where there is no room, EINVAL for '.lower'. */
export function whiteoutOf(name: string): string {
  if (name === unhideableName) throw new FileError('EINVAL', `'${name}' of the lower tree cannot be hidden`);
  if (Buffer.byteLength(name) > maxNameBytes - whiteoutPrefix.length)
    throw new FileError('ENAMETOOLONG', name);
  return whiteoutPrefix + name;
}

/** The name that an entry on disk hides; undefined for what is no whiteout. */
export function hiddenBy(name: string): string | undefined {
  return name.startsWith(whiteoutPrefix) && name !== markerName
    ? name.slice(whiteoutPrefix.length)
    : undefined;
}

/** Throws ENAMETOOLONG for a name that no folder can hold. */
export function checkName(name: string): void {
  if (name.length > maxNameBytes / 3 && Buffer.byteLength(name) > maxNameBytes) {
    throw new FileError('ENAMETOOLONG', name);
  }
}

/** Whether a name has a meaning on disk, so that nothing can be shown under it but what is lower. */
export function isReserved(name: string): boolean {
  return name.startsWith(whiteoutPrefix);
}

/** Throws EINVAL for a name that cannot be given, ENAMETOOLONG. */
export function checkNewName(name: string): void {
  checkName(name);
  if (isReserved(name) || name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
    throw new FileError('EINVAL', name);
  }
}

export function joinPath(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

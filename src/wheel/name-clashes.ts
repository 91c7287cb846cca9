/** How a path gets in the way of one that came before it. */
export interface NameClash {
  kind: 'twice' | 'folder' | 'case';
  /** The earlier path, as written. */
  earlier: string;
}

interface Taken {
  path: string;
  isFolder: boolean;
}

/**
 * Paths that must all exist beside each other, also where names are the same in any case and in any
 * composition of their characters (APFS, NTFS, ext4 with casefold). Folders count by every path that
 * leads through them.
 */
export class NameClashes {
  /** Folded path to what has it. */
  readonly #taken = new Map<string, Taken>();
  /** A folder as written to the same folded. */
  readonly #folders = new Map<string, string>([['', '']]);

  /** Takes a file's path, and gives the clash that it makes. */
  addFile(path: string): NameClash | undefined {
    const slash = path.lastIndexOf('/');
    const clash = slash < 0 ? undefined : this.addFolder(path.slice(0, slash));
    if (clash) return clash;
    const folded = `${this.#folders.get(path.slice(0, Math.max(slash, 0)))}/${fold(path.slice(slash + 1))}`;
    const earlier = this.#taken.get(folded);
    if (earlier === undefined) this.#taken.set(folded, { path, isFolder: false });
    else if (earlier.path !== path) return { kind: 'case', earlier: earlier.path };
    else return { kind: earlier.isFolder ? 'folder' : 'twice', earlier: path };
    return undefined;
  }

  /** Takes a folder's path, and gives the clash that it makes; the same folder again makes none. */
  addFolder(path: string): NameClash | undefined {
    if (this.#folders.has(path)) return undefined;
    let from = 0;
    let clash: NameClash | undefined;
    while (from <= path.length) {
      const slash = path.indexOf('/', from);
      const end = slash < 0 ? path.length : slash;
      clash ??= this.#addOneFolder(path, from, end);
      from = end + 1;
    }
    return clash;
  }

  #addOneFolder(path: string, from: number, end: number): NameClash | undefined {
    const folder = path.slice(0, end);
    if (this.#folders.has(folder)) return undefined;
    const above = this.#folders.get(path.slice(0, Math.max(from - 1, 0)));
    const folded = `${above}/${fold(path.slice(from, end))}`;
    this.#folders.set(folder, folded);
    const earlier = this.#taken.get(folded);
    if (earlier === undefined) this.#taken.set(folded, { path: folder, isFolder: true });
    else if (earlier.path !== folder) return { kind: 'case', earlier: earlier.path };
    else if (!earlier.isFolder) return { kind: 'folder', earlier: folder };
    return undefined;
  }
}

/** Full case folding, canonical composition, and nothing of what is not shown. */
function fold(name: string): string {
  if (/^[\x20-\x7e]*$/.test(name)) return name.toLowerCase();
  return name
    .normalize('NFD')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFC');
}

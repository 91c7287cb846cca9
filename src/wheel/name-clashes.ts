/** How a path gets in the way of one that came before it. */
export interface NameClash {
  kind: 'twice' | 'folder' | 'case';
  /** The earlier path, as written. */
  earlier: string;
}

interface Taken {
  /** As written first. */
  name: string;
  /** Other spellings that were told of. */
  spellings?: Set<string>;
  /** What is in it, by folded name; undefined for a file. */
  children: Map<string, Taken> | undefined;
}

/**
 * Paths that must all exist beside each other, also where names are the same in any case and in any
 * composition of their characters (APFS, NTFS, ext4 with casefold). Folders count by every path that
 * leads through them; a second spelling of one is told of once.
 */
export class NameClashes {
  readonly #root = new Map<string, Taken>();
  #count = 0;

  /** Files and folders so far. */
  get count(): number {
    return this.#count;
  }

  /** Takes a file's path, and gives the first clash that it makes. */
  addFile(path: string): NameClash | undefined {
    return this.#add(path.split('/'), true);
  }

  /** Takes a folder's path, and gives the first clash that it makes; the same folder again makes none. */
  addFolder(path: string): NameClash | undefined {
    return this.#add(path.split('/'), false);
  }

  #add(parts: readonly string[], isFile: boolean): NameClash | undefined {
    let children = this.#root;
    let clash: NameClash | undefined;
    const earlier: string[] = [];
    for (const [index, name] of parts.entries()) {
      const wantsFile = isFile && index === parts.length - 1;
      const taken = this.#take(children, name, wantsFile);
      if (taken === undefined) {
        if (wantsFile) return clash;
        children = children.get(fold(name))!.children!;
        continue;
      }
      earlier.push(taken.name);
      const isOther = wantsFile && earlier.some((written, at) => written !== parts[at]);
      if (isNewSpelling(taken, name) || isOther) clash ??= { kind: 'case', earlier: earlier.join('/') };
      if (wantsFile || taken.children === undefined) {
        const kind = wantsFile && taken.children === undefined ? 'twice' : 'folder';
        return clash ?? { kind, earlier: earlier.join('/') };
      }
      children = taken.children;
    }
    return clash;
  }

  /** What has the name already; where nothing has, it is taken. */
  #take(children: Map<string, Taken>, name: string, isFile: boolean): Taken | undefined {
    const folded = fold(name);
    const taken = children.get(folded);
    if (taken !== undefined) return taken;
    children.set(folded, { name, children: isFile ? undefined : new Map() });
    this.#count += 1;
    return undefined;
  }
}

function isNewSpelling(taken: Taken, name: string): boolean {
  if (taken.name === name || taken.spellings?.has(name)) return false;
  taken.spellings ??= new Set();
  taken.spellings.add(name);
  return true;
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

import type { InodeNumber } from '../base/brands.js';
import { directoryMode, generatedMode, sortByName, withPermissions } from './locate.js';
import type { GeneratedEntry, LinkEntry, View, ViewDirectory, ViewEntry } from './tree.js';

/** docs/view-format.md. */
const magic = 'SHENVIEW';
const version = 3;
const flagNumberedByImage = 1;
const flagOwn = 2;
const entryKinds = { directory: 1, graft: 2, file: 3, generated: 4, link: 5 } as const;
const volatileFlag = 1;
const unknownSize = -1n;
const stringBytesAt = 44;
const timeCountAt = 48;
const bytes = {
  header: 52,
  layer: 8,
  directory: 32,
  entry: 20,
  generated: 32,
  link: 24,
  expanded: 12,
  time: 24,
} as const;

/** Writes a view down for the `kernel` engine. Pure. */
export function encodeView(view: View): Buffer {
  const tables = new Tables(view);
  const parts = tables.parts();
  const header = tables.header(view);
  header.writeUInt32LE(parts.at(-1)!.length, stringBytesAt);
  return Buffer.concat([header, ...parts]);
}

class Tables {
  readonly #strings = new StringTable();
  readonly #directories: ViewDirectory[] = [];
  readonly #indexOf = new Map<ViewDirectory, number>();
  readonly #generated: GeneratedEntry[] = [];
  readonly #links: LinkEntry[] = [];
  readonly #layerTable: Buffer;
  readonly #directoryTable: Buffer;
  readonly #entryTable: Buffer;
  readonly #expandedTable: Buffer;
  readonly #timeTable: Buffer;

  constructor(view: View) {
    this.#number(view.root);
    for (const directory of this.#directories) {
      for (const entry of directory.entries.values()) if (entry.kind === 'directory') this.#number(entry);
    }
    this.#layerTable = Buffer.alloc(view.layers.length * bytes.layer);
    view.layers.forEach(({ image, slot }, index) => {
      this.#layerTable.writeUInt32LE(image.serial, index * bytes.layer);
      this.#layerTable.writeUInt32LE(slot, index * bytes.layer + 4);
    });
    const entries: Buffer[] = [];
    this.#directoryTable = Buffer.alloc(this.#directories.length * bytes.directory);
    this.#directories.forEach((directory, index) => {
      const record = this.#directoryTable.subarray(index * bytes.directory);
      record.writeBigUInt64LE(directory.inode, 0);
      record.writeBigInt64LE(directory.mtimeNs, 8);
      record.writeUInt32LE(directory.parent ? this.#indexOf.get(directory.parent)! : 0, 16);
      record.writeUInt32LE(entries.length, 20);
      record.writeUInt32LE(directory.entries.size, 24);
      record.writeUInt32LE(directoryMode(directory), 28);
      for (const [name, entry] of sortByName([...directory.entries]))
        entries.push(this.#encodeEntry(name, entry));
    });
    this.#entryTable = Buffer.concat(entries);
    this.#expandedTable = this.#encodeExpanded(view);
    this.#timeTable = encodeTimes(view);
  }

  header(view: View): Buffer {
    const header = Buffer.alloc(bytes.header);
    header.write(magic, 'latin1');
    const fields = [
      version,
      view.environmentSerial,
      (view.numberedByImage ? flagNumberedByImage : 0) | (view.isOwn ? flagOwn : 0),
      view.layers.length,
      this.#directories.length,
      this.#entryTable.length / bytes.entry,
      this.#generated.length,
      this.#links.length,
      this.#expandedTable.length / bytes.expanded,
    ];
    fields.forEach((value, index) => {
      header.writeUInt32LE(value, 8 + index * 4);
    });
    header.writeUInt32LE(this.#timeTable.length / bytes.time, timeCountAt);
    return header;
  }

  /** The tables in the order of the format, the strings last. */
  parts(): Buffer[] {
    const generated = Buffer.concat(this.#generated.map(encodeGenerated));
    const links = Buffer.concat(this.#links.map((link) => this.#encodeLink(link)));
    const strings = this.#strings.finish();
    return [
      this.#layerTable,
      this.#directoryTable,
      this.#entryTable,
      generated,
      links,
      this.#expandedTable,
      this.#timeTable,
      strings,
    ];
  }

  #number(directory: ViewDirectory): void {
    this.#indexOf.set(directory, this.#directories.length);
    this.#directories.push(directory);
  }

  #encodeEntry(name: string, entry: ViewEntry): Buffer {
    const record = Buffer.alloc(bytes.entry);
    const { offset, length } = this.#strings.add(name);
    record.writeUInt32LE(offset, 0);
    record.writeUInt16LE(length, 4);
    record.writeUInt16LE(entryKinds[entry.kind], 6);
    const [a, b] = this.#target(entry);
    record.writeUInt32LE(a, 8);
    record.writeUInt32LE(b, 12);
    return record;
  }

  #target(entry: ViewEntry): [number, number] {
    switch (entry.kind) {
      case 'directory':
        return [this.#indexOf.get(entry)!, 0];
      case 'graft':
      case 'file':
        return [entry.layer, entry.node];
      case 'generated':
        return [this.#generated.push(entry) - 1, 0];
      case 'link':
        return [this.#links.push(entry) - 1, 0];
    }
  }

  #encodeLink(link: LinkEntry): Buffer {
    const record = Buffer.alloc(bytes.link);
    const { offset, length } = this.#strings.add(link.target);
    record.writeBigUInt64LE(link.inode, 0);
    record.writeBigInt64LE(link.mtimeNs, 8);
    record.writeUInt32LE(offset, 16);
    record.writeUInt32LE(length, 20);
    return record;
  }

  #encodeExpanded(view: View): Buffer {
    const rows = [...view.expanded].map(([key, directory]) => {
      const [layer = 0, node = 0] = key.split(':').map(Number);
      return { layer, node, directory: this.#indexOf.get(directory)! };
    });
    rows.sort((a, b) => a.layer - b.layer || a.node - b.node);
    const table = Buffer.alloc(rows.length * bytes.expanded);
    rows.forEach(({ layer, node, directory }, index) => {
      table.writeUInt32LE(layer, index * bytes.expanded);
      table.writeUInt32LE(node, index * bytes.expanded + 4);
      table.writeUInt32LE(directory, index * bytes.expanded + 8);
    });
    return table;
  }
}

function encodeGenerated({ inode, mtimeNs, content, ...entry }: GeneratedEntry): Buffer {
  const record = Buffer.alloc(bytes.generated);
  record.writeBigUInt64LE(inode satisfies InodeNumber, 0);
  record.writeBigInt64LE(mtimeNs, 8);
  record.writeBigInt64LE(content.type === 'text' ? BigInt(Buffer.byteLength(content.text)) : unknownSize, 16);
  record.writeUInt32LE(generatedMode(entry), 24);
  record.writeUInt32LE(content.type === 'volatile' ? volatileFlag : 0, 28);
  return record;
}

/** Generated files carry their time and mode themselves. */
function encodeTimes({ isOwn, layers }: View): Buffer {
  const rows = layers.flatMap(({ image, times }, layer) =>
    [...((isOwn && times) || [])]
      .filter(([node]) => node < image.nodeCount)
      .sort(([a], [b]) => a - b)
      .map(([node, { mtimeNs, mode }]) => ({
        layer,
        node,
        mtimeNs,
        mode: mode === undefined ? 0 : withPermissions(image.modeOf(node), mode),
      })),
  );
  const table = Buffer.alloc(rows.length * bytes.time);
  rows.forEach(({ layer, node, mtimeNs, mode }, index) => {
    table.writeUInt32LE(layer, index * bytes.time);
    table.writeUInt32LE(node, index * bytes.time + 4);
    table.writeBigInt64LE(mtimeNs, index * bytes.time + 8);
    table.writeUInt32LE(mode, index * bytes.time + 16);
  });
  return table;
}

class StringTable {
  readonly #pieces: Buffer[] = [];
  readonly #known = new Map<string, { offset: number; length: number }>();
  #length = 0;

  add(text: string): { offset: number; length: number } {
    const known = this.#known.get(text);
    if (known) return known;
    const piece = Buffer.from(text);
    const place = { offset: this.#length, length: piece.length };
    this.#pieces.push(piece);
    this.#length += piece.length;
    this.#known.set(text, place);
    return place;
  }

  finish(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}

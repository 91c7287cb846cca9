import { createHash } from 'node:crypto';
import {
  digestBytes,
  header,
  headerBytes,
  nodeRecord,
  type SectionName,
  sectionRecord,
  sections,
} from '../../src/image/format.js';

/** An image's bytes with the places that damage is done to; `sign` makes the digests right again. */
export class DamagedImage {
  readonly data: Buffer;

  constructor(data: Buffer) {
    this.data = Buffer.from(data);
  }

  record(section: SectionName): number {
    return header.sectionTable + sections.indexOf(section) * sectionRecord.bytes;
  }

  offset(section: SectionName): number {
    return Number(this.data.readBigUInt64LE(this.record(section) + sectionRecord.offset));
  }

  length(section: SectionName): number {
    return Number(this.data.readBigUInt64LE(this.record(section) + sectionRecord.length));
  }

  setOffset(section: SectionName, value: number): void {
    this.data.writeBigUInt64LE(BigInt(value), this.record(section) + sectionRecord.offset);
  }

  setLength(section: SectionName, value: number): void {
    this.data.writeBigUInt64LE(BigInt(value), this.record(section) + sectionRecord.length);
  }

  /** Where a field of a node stands. */
  node(index: number, field: keyof Omit<typeof nodeRecord, 'bytes'>): number {
    return this.offset('nodes') + index * nodeRecord.bytes + nodeRecord[field];
  }

  /** Where the name of a node starts. */
  name(index: number): number {
    return this.offset('names') + this.data.readUInt32LE(this.node(index, 'nameOffset'));
  }

  /** The node with this name. */
  find(name: string): number {
    const count = this.data.readUInt32LE(header.nodeCount);
    for (let index = 0; index < count; index += 1) {
      const bytes = this.data.readUInt16LE(this.node(index, 'nameBytes'));
      if (this.data.toString('utf8', this.name(index), this.name(index) + bytes) === name) return index;
    }
    throw new Error(`no node ${name}`);
  }

  sign(): Buffer {
    for (const section of ['nodes', 'names', 'meta', 'digests'] as const) {
      const part = this.data.subarray(this.offset(section), this.offset(section) + this.length(section));
      sha256(part).copy(this.data, this.record(section) + sectionRecord.digest);
    }
    const signed = headerBytes - digestBytes;
    sha256(this.data.subarray(0, signed)).copy(this.data, signed);
    return this.data;
  }
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

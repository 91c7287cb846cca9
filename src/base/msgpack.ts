import { Packr } from 'msgpackr/pack';
import { sha256 } from './digest.js';

/** Plain maps, no msgpackr records: any MessagePack reader understands what is written. */
const packr = new Packr({ useRecords: false, variableMapSize: true });

export function pack(value: unknown): Buffer {
  return packr.pack(value);
}

/** Throws for bytes that are not one MessagePack value. */
export function unpack(data: Buffer): unknown {
  return packr.unpack(data);
}

export const framedHeaderBytes = 48;
const versionAt = 8;
const lengthAt = 12;
const digestAt = 16;

/** Magic (8 bytes), version, payload length, SHA-256 of the payload, payload: one MessagePack value. */
export function packFramed(magic: string, version: number, value: unknown): Buffer {
  const payload = pack(value);
  const header = Buffer.alloc(framedHeaderBytes);
  header.write(magic, 'latin1');
  header.writeUInt32LE(version, versionAt);
  header.writeUInt32LE(payload.length, lengthAt);
  header.write(sha256(payload), digestAt, 'hex');
  return Buffer.concat([header, payload]);
}

/** Bytes of the frame, header included, whose first `framedHeaderBytes` are `header`. */
export function framedBytes(header: Buffer): number {
  return framedHeaderBytes + header.readUInt32LE(lengthAt);
}

/** Why a framed file is refused; the owner of the format makes the user's error of it. */
export class FrameError extends Error {}

/** `versions`: those that can be read, the newest first. Throws FrameError naming the rule that `data` breaks. */
export function unpackFramed(magic: string, versions: number | readonly number[], data: Buffer): unknown {
  if (data.length < framedHeaderBytes || data.toString('latin1', 0, versionAt) !== magic) {
    throw new FrameError('the magic number is missing');
  }
  const found = data.readUInt32LE(versionAt);
  const known = typeof versions === 'number' ? [versions] : versions;
  if (!known.includes(found)) throw new FrameError(`its version is ${found}, this program knows ${known[0]}`);
  const payload = data.subarray(framedHeaderBytes);
  if (payload.length !== data.readUInt32LE(lengthAt)) throw new FrameError('its length is wrong');
  if (sha256(payload) !== data.toString('hex', digestAt, framedHeaderBytes))
    throw new FrameError('its digest does not match');
  return unpack(payload);
}

import { fstatSync } from 'node:fs';
import type { BackingFlags, ForwardedRequest } from '../../src/mount/native-addon.js';
import { owner } from './upper-layers.js';

/** Bytes of a message: numbers of 32 bits, bigints of 64, names with a NUL. */
export function bodyOf(...fields: readonly (number | bigint | string | Buffer)[]): Buffer {
  return Buffer.concat(fields.map(bytesOf));
}

function bytesOf(field: number | bigint | string | Buffer): Buffer {
  if (Buffer.isBuffer(field)) return field;
  if (typeof field === 'string') return Buffer.from(`${field}\0`);
  const out = Buffer.alloc(typeof field === 'number' ? 4 : 8);
  if (typeof field === 'number') out.writeUInt32LE(field);
  else out.writeBigUInt64LE(field);
  return out;
}

/** A request as a session hands it over. */
export function requestOf(
  token: number,
  opcode: number,
  inode: bigint,
  body: Buffer = Buffer.alloc(0),
  isResent = false,
): ForwardedRequest {
  return { token, opcode, inode, isResent, ...owner, pid: 1, body };
}

/** Of a native session what answers requests, by token; whoever waits for one is told. */
export class FakeAnswers {
  readonly order: number[] = [];
  readonly bodies = new Map<number, Buffer | undefined>();
  readonly #errnos = new Map<number, number>();
  readonly lookups = new Map<number, { parent: bigint; name: string }>();
  readonly retried: number[] = [];
  readonly fromView: number[] = [];
  readonly backings: { inode: bigint; flags: BackingFlags; fd: number }[] = [];
  #wake: (() => void)[] = [];

  answer(token: number, errno: number, body?: Buffer): void {
    this.#errnos.set(token, errno);
    this.bodies.set(token, body);
    this.#note(token);
  }

  answerLookup(token: number, parent: bigint, name: string): void {
    this.lookups.set(token, { parent, name });
    this.#note(token);
  }

  retry(token: number): void {
    this.retried.push(token);
    this.#note(token);
  }

  answerFromView(token: number): void {
    this.fromView.push(token);
    this.#note(token);
  }

  /** The descriptors are to be closed by the test; they have to be open. */
  setBacking(inode: bigint, fd: number, flags: BackingFlags): void {
    fstatSync(fd);
    this.backings.push({ inode, flags, fd });
  }

  /** 0 or the errno of an answer; undefined while there is none, or one of another kind. */
  errnoOf(token: number): number | undefined {
    return this.#errnos.get(token);
  }

  /** Resolves when so many requests have an answer; the test's own deadline ends waiting in vain. */
  async answered(count: number): Promise<void> {
    while (this.order.length < count) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  #note(token: number): void {
    if (this.order.includes(token)) throw new Error(`request ${token} has an answer already`);
    this.order.push(token);
    for (const wake of this.#wake.splice(0)) wake();
  }
}

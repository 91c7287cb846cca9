import { constants } from 'node:os';
import { ShenvError } from '../../base/errors.js';
import type { Logger } from '../../base/log.js';
import { errnoOf } from '../../env/bare.js';
import { errnoOf as errnoOfSystem } from '../../upper/file-error.js';
import { rootInode } from '../../view/inode.js';
import { logRequestFailure } from '../log-events.js';
import type { ForwardedRequest, NativeSession } from '../native-addon.js';
import { nameAt, opcodes } from './wire.js';

/** What can be done to the folders in the root of a mount: each is an environment. Resolves when the mount shows it. */
export interface RootOperations {
  /** Throws ENVIRONMENT_EXISTS, ENVIRONMENT_NAME. */
  create(name: string): Promise<void>;
  /** Throws ENVIRONMENT_EXISTS, ENVIRONMENT_MISSING. */
  rename(name: string, newName: string): Promise<void>;
  /** Removes an environment that is writable and has nothing in it. Throws an error with the code ENOTEMPTY or EROFS. */
  remove(name: string): Promise<void>;
}

const renameNoReplace = 1;

/** mkdir, rename and rmdir in the root of a mount of all environments; anything else there is not permitted. */
export class RootRequests {
  readonly #session: NativeSession;
  readonly #operations: RootOperations;
  readonly #log: Logger;
  /** One after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(session: NativeSession, operations: RootOperations, log: Logger) {
    this.#session = session;
    this.#operations = operations;
    this.#log = log;
  }

  handle(request: ForwardedRequest): Promise<void> {
    this.#last = this.#last.then(() => this.#answer(request));
    return this.#last;
  }

  async #answer(request: ForwardedRequest): Promise<void> {
    const { token } = request;
    try {
      const made = await this.#carryOut(request);
      if (made === undefined) this.#session.answer(token, 0);
      else this.#session.answerLookup(token, rootInode, made);
    } catch (error) {
      const known = errnoOf(error) ?? errnoOfSystem(error);
      if (known === undefined) logRequestFailure(this.#log, request, error);
      this.#session.answer(token, known ?? constants.errno.EIO);
    }
  }

  /** The name of what was made, which the reply tells of. */
  async #carryOut(request: ForwardedRequest): Promise<string | undefined> {
    const { opcode, body, isResent } = request;
    switch (opcode) {
      case opcodes.mkdir: {
        const name = nameIn(body, 8);
        await this.#operations.create(name).catch(orDone(isResent, 'ENVIRONMENT_EXISTS'));
        return name;
      }
      case opcodes.rmdir:
        await this.#operations.remove(nameIn(body, 0)).catch(orDone(isResent, 'ENVIRONMENT_MISSING'));
        return undefined;
      case opcodes.rename:
        return this.#rename(body, 0, 8, isResent);
      case opcodes.rename2:
        return this.#rename(body, body.readUInt32LE(8), 16, isResent);
      default:
        throw failure('EROFS');
    }
  }

  async #rename(body: Buffer, flags: number, namesAt: number, isResent: boolean): Promise<undefined> {
    if (body.readBigUInt64LE(0) !== rootInode) throw failure('EXDEV');
    if ((flags & ~renameNoReplace) !== 0) throw failure('EINVAL');
    const from = nameAt(body, namesAt);
    const names = [from.name, nameAt(body, from.end).name];
    if (names[0] === undefined || names[1] === undefined) throw failure('EILSEQ');
    await this.#operations.rename(names[0], names[1]).catch(orDone(isResent, 'ENVIRONMENT_MISSING'));
  }
}

function nameIn(body: Buffer, offset: number): string {
  return nameAt(body, offset).name ?? fail('EILSEQ');
}

function fail(code: string): never {
  throw failure(code);
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** What was carried out by the process before this one is done. */
function orDone(isResent: boolean, code: string): (error: unknown) => void {
  return (error) => {
    if (!(isResent && error instanceof ShenvError && error.code === code)) throw error;
  };
}

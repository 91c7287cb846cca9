import { constants } from 'node:os';
import { ShenvError } from '../../base/errors.js';
import type { Logger } from '../../base/log.js';
import { errnoOf } from '../../env/bare.js';
import { FileError } from '../../upper/file-error.js';
import { rootInode } from '../../view/inode.js';
import { logRequestFailure } from '../log-events.js';
import type { ForwardedRequest, NativeSession } from '../native-addon.js';
import { nameIn, namesIn, opcodes } from './wire.js';

/**
 * What can be done to the folders in the root of a mount: each is an environment. Resolves when the mount shows it.
 * Beside what is told here, each throws what has an errno of its own (`errnoOf` of env/bare.ts).
 */
export interface RootOperations {
  /** Makes a bare one. Throws ENVIRONMENT_EXISTS, ENVIRONMENT_NAME. */
  create(name: string): Promise<void>;
  /** Throws ENVIRONMENT_EXISTS, ENVIRONMENT_NAME, ENVIRONMENT_MISSING; EROFS for one that is not writable. */
  rename(name: string, newName: string): Promise<void>;
  /** Removes one that is writable and has nothing in it. Throws ENVIRONMENT_MISSING; ENOTEMPTY, EROFS, EBUSY. */
  remove(name: string): Promise<void>;
}

type Answers = Pick<NativeSession, 'answer' | 'answerLookup'>;

/** RENAME_NOREPLACE (renameat2(2)); without it no environment is replaced either. */
const renameNoReplace = 1;

/** mkdir, rename and rmdir in the root of a mount of all environments; anything else there fails with EROFS. */
export class RootRequests {
  readonly #session: Answers;
  readonly #operations: RootOperations;
  readonly #log: Logger;
  /** One after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(session: Answers, operations: RootOperations, log: Logger) {
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
      const known = errnoOf(error);
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
        throw new FileError('EROFS');
    }
  }

  async #rename(body: Buffer, flags: number, namesAt: number, isResent: boolean): Promise<undefined> {
    if (body.readBigUInt64LE(0) !== rootInode) throw new FileError('EXDEV');
    if ((flags & ~renameNoReplace) !== 0) throw new FileError('EINVAL');
    const [from, to] = namesIn(body, namesAt);
    await this.#operations.rename(from, to).catch(orDone(isResent, 'ENVIRONMENT_MISSING'));
  }
}

/** What was carried out by the process before this one is done. */
function orDone(isResent: boolean, code: string): (error: unknown) => void {
  return (error) => {
    if (!(isResent && error instanceof ShenvError && error.code === code)) throw error;
  };
}

import { constants } from 'node:os';
import type { Logger } from '../../base/log.js';
import { errnoOf } from '../../upper/file-error.js';
import { ContentMissing } from '../../upper/lower.js';
import type { UpperLayer } from '../../upper/upper-layer.js';
import { environmentOf, rootInode } from '../../view/inode.js';
import type { GeneratedEntry } from '../../view/tree.js';
import { logRequestFailure } from '../log-events.js';
import type { ForwardedRequest, NativeSession } from '../native-addon.js';
import { operate } from './operations.js';
import type { RootRequests } from './root-requests.js';

/** The writable side of one environment that is shown. */
export interface WritableEnvironment {
  upper: UpperLayer;
  /** Makes the content of a generated file of its lower tree ready to be copied. */
  prepare(entry: GeneratedEntry): Promise<void>;
  /** The kernel has forgotten a file without a name. */
  forget(inode: bigint): void;
  /** A file without a name has one now. */
  named(inode: bigint): void;
  /** Something was changed; the name that something has been given, if any. */
  changed(name: string | undefined): void;
}

interface Options {
  session: Pick<NativeSession, 'answer' | 'answerLookup' | 'answerFromView' | 'retry' | 'setBacking'>;
  /** Undefined where the environment is not shown, or not writable. */
  environmentOf(environmentSerial: number): WritableEnvironment | undefined;
  /** Of the mount's own root; undefined where that is one environment's. */
  roots: RootRequests | undefined;
  /** By what the kernel knows an inode, and the other way: they differ for the root of a sole environment. */
  nodeIdOf(inode: bigint): bigint;
  inodeOf(nodeId: bigint): bigint;
  log: Logger;
}

/**
 * Answers what the session hands over: requests to environments with an upper layer, and to the mount's root. Those of one
 * environment are carried out one after the other, at once where none waits.
 */
export class WritableRequests {
  readonly #options: Options;
  /** The last one of each environment in which one waits. */
  readonly #waiting = new Map<number, Promise<void>>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Ends with one answer to its token, now or later; never throws. */
  handle(request: ForwardedRequest): void {
    const { roots, session } = this.#options;
    if (request.inode === rootInode) {
      if (roots) void roots.handle(request);
      else session.answer(request.token, constants.errno.EROFS);
      return;
    }
    const serial = environmentOf(request.inode);
    const before = this.#waiting.get(serial);
    const running = before
      ? before.then(() => this.#carryOut(serial, request))
      : this.#carryOut(serial, request);
    if (running) this.#keep(serial, running);
  }

  /** The kernel has forgotten an inode that was watched. */
  forget(inode: bigint): void {
    this.#options.environmentOf(environmentOf(inode))?.forget(inode);
  }

  /** Runs when no operation on the environment waits for anything. */
  inTurn<T>(environmentSerial: number, work: () => T | Promise<T>): Promise<T> {
    const turn = (this.#waiting.get(environmentSerial) ?? Promise.resolve()).then(work);
    this.#keep(
      environmentSerial,
      turn.then(
        () => undefined,
        () => undefined,
      ),
    );
    return turn;
  }

  #keep(serial: number, running: Promise<void>): void {
    const last = running.finally(() => {
      if (this.#waiting.get(serial) === last) this.#waiting.delete(serial);
    });
    this.#waiting.set(serial, last);
  }

  /** A promise where the content of a generated file has to be made first. Never rejects. */
  #carryOut(serial: number, request: ForwardedRequest): Promise<void> | undefined {
    const environment = this.#options.environmentOf(serial);
    if (!environment) {
      this.#options.session.answer(request.token, constants.errno.ESTALE);
      return undefined;
    }
    try {
      this.#operate(environment, request);
      return undefined;
    } catch (error) {
      if (!(error instanceof ContentMissing)) {
        this.#fail(request, error);
        return undefined;
      }
      return environment.prepare(error.entry).then(
        () => this.#carryOut(serial, request),
        (cause: unknown) => this.#fail(request, cause),
      );
    }
  }

  #operate(environment: WritableEnvironment, request: ForwardedRequest): void {
    const { session, nodeIdOf, inodeOf } = this.#options;
    const outcome = operate({
      upper: environment.upper,
      request,
      setBacking: (inode, fd, flags) => session.setBacking(inode, fd, flags),
      named: (inode) => environment.named(inode),
      nodeIdOf,
      inodeOf,
    });
    const { token } = request;
    if (outcome.kind === 'reply' && outcome.changed) environment.changed(outcome.named);
    if (outcome.kind === 'reply') session.answer(token, 0, outcome.body);
    else if (outcome.kind === 'lookup') session.answerLookup(token, outcome.parent, outcome.name);
    else if (outcome.kind === 'retry') session.retry(token);
    else if (outcome.kind === 'view') session.answerFromView(token);
    else {
      outcome.done.then(
        () => session.answer(token, 0),
        (error: unknown) => this.#fail(request, error),
      );
    }
  }

  #fail(request: ForwardedRequest, error: unknown): void {
    const known = errnoOf(error);
    if (known === undefined || known === constants.errno.EIO)
      logRequestFailure(this.#options.log, request, error);
    this.#options.session.answer(request.token, known ?? constants.errno.EIO);
  }
}

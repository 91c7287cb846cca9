import type { Server } from 'node:net';
import type { Workspace } from '../env/workspace.js';
import { closeControl, serveControl } from './control.js';
import type { DaemonOptions } from './daemon-options.js';
import { storesOf } from './daemon-status.js';
import type { EngineName } from './engine.js';
import { type ControlRequest, removeOwnRecord, runtimeFiles, writeRecord } from './runtime.js';
import { type Watch, watchHome } from './watch-home.js';

interface Calls {
  /** A command asks. */
  handle(request: ControlRequest): Promise<unknown>;
  /** Environments came, changed or went without a command telling us (another host, a restored backup). */
  onChange(): void;
}

/** How a daemon is found by commands and hears of changes, as long as its mount is at its place. */
export class Presence {
  readonly #workspace: Workspace;
  readonly #options: DaemonOptions;
  readonly #calls: Calls;
  #server: Server | undefined;
  #watcher: Watch | undefined;
  #retired: Promise<void> | undefined;

  constructor(workspace: Workspace, options: DaemonOptions, calls: Calls) {
    this.#workspace = workspace;
    this.#options = options;
    this.#calls = calls;
  }

  /** The place of the mount is not this daemon's any more. */
  get isRetired(): boolean {
    return this.#retired !== undefined;
  }

  /** From now on changes are heard of; what came before is to be read after that. */
  async watch(): Promise<void> {
    this.#watcher = await watchHome(this.#workspace, this.#options, this.#calls.onChange);
  }

  /** Commands find this daemon from now on. `startedMs` is in milliseconds since 1970. */
  async open(engine: EngineName, startedMs: number): Promise<void> {
    const { places } = this.#workspace;
    const { mountpoint, environment, supervision } = this.#options;
    const { socket } = runtimeFiles(places.runtime, mountpoint);
    this.#server = await serveControl(socket, (request) => this.#calls.handle(request));
    await writeRecord(places.runtime, {
      pid: process.pid,
      ...(supervision === undefined ? {} : { supervisor: supervision.supervisor }),
      mountpoint,
      engine,
      home: places.home,
      ...storesOf(places),
      startedMs,
      ...(environment === undefined ? {} : { environment }),
    });
  }

  /** For another process that takes over: the record stays. Resolves when commands have their answers. */
  async close(): Promise<void> {
    this.#watcher?.close();
    if (this.#server) await closeControl(this.#server);
  }

  /**
   * Commands do not find this daemon any more; resolves when those that did have their answers. Runs once: later
   * the socket and the record of this place may be another daemon's.
   */
  retire(): Promise<void> {
    this.#retired ??= this.#leave();
    return this.#retired;
  }

  /** A process before this one has retired. */
  stayRetired(): void {
    this.#retired = Promise.resolve();
  }

  async #leave(): Promise<void> {
    const closed = this.close();
    await removeOwnRecord(this.#workspace.places.runtime, this.#options.mountpoint);
    await closed;
  }
}

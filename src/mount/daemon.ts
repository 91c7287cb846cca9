import { type FSWatcher, watch } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';
import type { Workspace } from '../env/workspace.js';
import { ImageContents } from '../store/image-contents.js';
import { serveControl } from './control.js';
import type { Engine, EngineName } from './engine.js';
import { MountedEnvironments } from './mounted-environments.js';
import { prepareMountpoint } from './mountpoint.js';
import { Renderer } from './renderer.js';
import { prepareRuntime, removeRecord, runtimeFiles, writeRecord } from './runtime.js';
import { startEngine } from './start-engine.js';

export interface DaemonOptions {
  mountpoint: string;
  engine: EngineName | 'auto';
  allowOther: boolean;
  fullBlocks: boolean;
  threads: number | undefined;
}

export interface DaemonStatus {
  mountpoint: string;
  pid: number;
  engine: string;
  /** Why this engine was taken. */
  engineReason: string;
  home: string;
  store: string;
  uptimeSeconds: number;
  environments: number;
  viewsLoaded: number;
  memoryBytes: number;
  requests: Record<string, number>;
  negotiated: Record<string, unknown>;
  details: Record<string, unknown>;
  /** Environments and images that cannot be shown, with the reason. */
  failures: Record<string, string>;
}

const reloadDelayMs = 50;
const closeTimeoutMs = 5000;

/** One running mount: the engine, what it serves, and the control socket. */
export class Daemon {
  readonly #workspace: Workspace;
  readonly #options: DaemonOptions;
  readonly #contents = new ImageContents();
  readonly #environments: MountedEnvironments;
  readonly #startedMs = Date.now();
  /** Resolves when the mount has ended and everything is cleaned up. */
  readonly ended: Promise<void>;
  #end: () => void = () => {};
  #engine: Engine | undefined;
  #engineReason = '';
  #server: Server | undefined;
  #watcher: FSWatcher | undefined;
  #reloading: Promise<void> = Promise.resolve();

  constructor(workspace: Workspace, options: DaemonOptions) {
    this.#workspace = workspace;
    this.#options = options;
    this.#environments = new MountedEnvironments(
      workspace,
      () => `${JSON.stringify(this.status(), null, 2)}\n`,
    );
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Resolves when the mount answers and commands can reach it. */
  async start(): Promise<void> {
    const { places } = this.#workspace;
    const { mountpoint } = this.#options;
    await prepareRuntime(places.runtime);
    await prepareMountpoint(mountpoint);
    await this.#environments.reload();
    const renderer = new Renderer(this.#contents, (serial) => {
      const name = this.#environments.nameOf(serial) ?? '';
      return { name, path: join(mountpoint, name) };
    });
    const { engine, reason } = await startEngine(this.#options.engine, {
      ...this.#options,
      source: this.#environments,
      renderer,
      onEnd: () => void this.#cleanUp(),
    });
    this.#engine = engine;
    this.#engineReason = reason;
    this.#server = await serveControl(runtimeFiles(places.runtime, mountpoint).socket, (request) =>
      this.#handle(request),
    );
    const { home, store } = places;
    await writeRecord(places.runtime, {
      pid: process.pid,
      mountpoint,
      engine: engine.name,
      home,
      store,
      startedMs: this.#startedMs,
    });
    await this.#watchHome();
  }

  /** Unmounts and cleans up. Throws MOUNT_BUSY when a process still uses the mount. */
  async stop(lazy: boolean): Promise<void> {
    await this.#engine?.unmount(lazy);
  }

  status(): DaemonStatus {
    const { requests, negotiated, details } = this.#engine!.status();
    return {
      mountpoint: this.#options.mountpoint,
      pid: process.pid,
      engine: this.#engine!.name,
      engineReason: this.#engineReason,
      home: this.#workspace.places.home,
      store: this.#workspace.places.store,
      uptimeSeconds: Math.round((Date.now() - this.#startedMs) / 1000),
      environments: this.#environments.list().length - 1,
      viewsLoaded: this.#environments.loadedCount,
      memoryBytes: process.memoryUsage.rss(),
      requests,
      negotiated,
      details,
      failures: Object.fromEntries(this.#environments.failures),
    };
  }

  async #handle(request: { operation: string; lazy?: boolean }): Promise<unknown> {
    switch (request.operation) {
      case 'status':
        return this.status();
      case 'reload':
        return this.#reload();
      case 'stop':
        return this.stop(request.lazy ?? false);
      default:
        throw new Error(`unknown operation ${request.operation}`);
    }
  }

  /** One reload after the other; each publishes what it found. */
  #reload(): Promise<void> {
    const next = this.#reloading.then(async () => {
      const publication = await this.#environments.reload();
      await this.#engine!.publish(publication);
    });
    this.#reloading = next.catch(() => undefined);
    return next;
  }

  /** Environments that come or go without a command telling us (another host, a restored backup). */
  async #watchHome(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    this.#watcher = watch(await this.#workspace.environments.folder(), () => {
      clearTimeout(timer);
      timer = setTimeout(() => void this.#reload(), reloadDelayMs);
    });
  }

  async #cleanUp(): Promise<void> {
    this.#watcher?.close();
    if (this.#server) await closeServer(this.#server);
    this.#contents.close();
    await removeRecord(this.#workspace.places.runtime, this.#options.mountpoint);
    this.#end();
  }
}

/** Resolves when every request that was being answered is, or after a deadline. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const deadline = setTimeout(resolve, closeTimeoutMs);
    server.close(() => {
      clearTimeout(deadline);
      resolve();
    });
  });
}

import { type FSWatcher, watch } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';
import type { Logger } from '../base/log.js';
import { packageVersion } from '../base/package-files.js';
import { parseReference } from '../env/name.js';
import { readReference } from '../env/reference.js';
import type { Workspace } from '../env/workspace.js';
import { ImageContents } from '../store/image-contents.js';
import { HeldLease } from '../store/leases.js';
import { serveControl } from './control.js';
import type { Engine, EngineName } from './engine.js';
import { type DaemonFigures, processFigures } from './figures.js';
import { logFailure, logMounted, logReload, logStart } from './log-events.js';
import { MountedEnvironments } from './mounted-environments.js';
import { prepareMountpoint } from './mountpoint.js';
import { Renderer } from './renderer.js';
import { prepareRuntime, removeRecord, runtimeFiles, writeRecord } from './runtime.js';
import { ShownImages } from './shown-images.js';
import { startEngine } from './start-engine.js';

export interface DaemonOptions {
  mountpoint: string;
  /** Mount this environment alone, its root at the mount point; undefined mounts all, as folders. */
  environment: string | undefined;
  engine: EngineName | 'auto';
  allowOther: boolean;
  fullBlocks: boolean;
  threads: number | undefined;
  log: Logger;
}

export interface DaemonStatus extends DaemonFigures {
  mountpoint: string;
  /** The one environment that is mounted; left out where all are, as folders. */
  environment?: string;
  pid: number;
  engine: string;
  /** Why this engine was taken. */
  engineReason: string;
  home: string;
  store: string;
  /** Left out where the store stands alone. */
  upstreams?: string[];
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
  /** Filled when it starts, before anything is shown. */
  readonly #leases: HeldLease[] = [];
  readonly #startedMs = Date.now();
  /** Read once: the files of the program may be replaced while it runs. */
  readonly #version = packageVersion();
  /** Resolves when the mount has ended and everything is cleaned up. */
  readonly ended: Promise<void>;
  #end: () => void = () => {};
  #engine: Engine | undefined;
  #engineReason = '';
  #renderer: Renderer | undefined;
  #reloads = 0;
  #server: Server | undefined;
  #watcher: FSWatcher | undefined;
  #reloading: Promise<void> = Promise.resolve();
  #retired: Promise<void> | undefined;

  constructor(workspace: Workspace, options: DaemonOptions) {
    this.#workspace = workspace;
    this.#options = options;
    this.#environments = new MountedEnvironments(workspace, {
      status: () => `${JSON.stringify(this.status(), null, 2)}\n`,
      only: options.environment,
      shown: new ShownImages(this.#leases),
      log: options.log,
    });
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /**
   * Resolves when the mount answers and commands can reach it. Throws, before anything is mounted,
   * ENVIRONMENT_MISSING for one to be mounted alone, and whatever keeps it from being composed.
   */
  async start(): Promise<void> {
    const { places } = this.#workspace;
    const { mountpoint, environment } = this.#options;
    await prepareRuntime(places.runtime);
    logStart(this.#options, this.#version, places);
    await this.#takeLeases();
    try {
      // A home that was copied is not known to the store before.
      await this.#workspace.environments.register();
      await this.#readEnvironments();
      await prepareMountpoint(mountpoint);
      await this.#startEngine();
    } catch (error) {
      for (const lease of this.#leases) await lease.end();
      throw error;
    }
    this.#server = await serveControl(runtimeFiles(places.runtime, mountpoint).socket, (request) =>
      this.#handle(request),
    );
    await writeRecord(places.runtime, {
      pid: process.pid,
      mountpoint,
      engine: this.#engine!.name,
      home: places.home,
      ...this.#stores(),
      startedMs: this.#startedMs,
      ...(environment === undefined ? {} : { environment }),
    });
    await this.#watchHome();
    logMounted(this.#options.log, this.status());
  }

  /** In each store that can be written. */
  async #takeLeases(): Promise<void> {
    for (const layout of this.#workspace.store.layouts) {
      const lease = await HeldLease.take(layout, 'mount', this.#options.mountpoint);
      if (lease) this.#leases.push(lease);
    }
  }

  async #readEnvironments(): Promise<void> {
    const { environment } = this.#options;
    if (environment !== undefined) await readReference(this.#workspace, environment);
    await this.#environments.reload();
    if (environment !== undefined) await this.#environments.load(environment);
  }

  async #startEngine(): Promise<void> {
    const { mountpoint, environment } = this.#options;
    this.#renderer = new Renderer(this.#contents, (serial) => {
      const name = this.#environments.nameOf(serial) ?? '';
      return { name, path: environment === undefined ? join(mountpoint, name) : mountpoint };
    });
    const { engine, reason } = await startEngine(this.#options.engine, {
      ...this.#options,
      source: this.#environments,
      renderer: this.#renderer,
      onEnd: () => void this.#cleanUp(),
    });
    this.#engine = engine;
    this.#engineReason = reason;
  }

  /**
   * Unmounts and cleans up. Throws MOUNT_BUSY when a process still uses the mount; with `lazy` those that do are
   * served on, but the place is free for another daemon.
   */
  async stop(lazy: boolean): Promise<void> {
    this.#options.log.info('unmount', lazy ? 'Unmounting, lazily' : 'Unmounting', { lazy });
    await this.#engine?.unmount(lazy);
    void this.#retire();
  }

  status(): DaemonStatus {
    const { requests, errors, negotiated, details } = this.#engine!.status();
    const { mountpoint, environment } = this.#options;
    return {
      mountpoint,
      ...(environment === undefined ? {} : { environment }),
      pid: process.pid,
      engine: this.#engine!.name,
      engineReason: this.#engineReason,
      home: this.#workspace.places.home,
      ...this.#stores(),
      uptimeSeconds: Math.round((Date.now() - this.#startedMs) / 1000),
      environments: this.#environments.count,
      viewsLoaded: this.#environments.loadedCount,
      memoryBytes: process.memoryUsage.rss(),
      requests,
      ...this.#figures(errors),
      negotiated,
      details,
      failures: Object.fromEntries(this.#environments.failures),
    };
  }

  #figures(errors: Record<string, number>): DaemonFigures {
    return {
      version: this.#version,
      imagesLoaded: this.#environments.imageCount,
      reloads: this.#reloads,
      generatedBytes: this.#renderer!.keptBytes,
      process: processFigures(),
      errors,
    };
  }

  #stores(): { store: string; upstreams?: string[] } {
    const { store, upstreams } = this.#workspace.places;
    return { store, ...(upstreams.length === 0 ? {} : { upstreams }) };
  }

  async #handle(request: {
    operation: string;
    lazy?: boolean;
    images?: readonly string[];
  }): Promise<unknown> {
    switch (request.operation) {
      case 'status':
        return this.status();
      case 'reload':
        return this.#reload(new Set(request.images));
      case 'stop':
        return this.stop(request.lazy ?? false);
      default:
        throw new Error(`unknown operation ${request.operation}`);
    }
  }

  /** One reload after the other; each publishes what it found. Without the one environment the mount ends. */
  #reload(renewed: ReadonlySet<string> = new Set()): Promise<void> {
    const next = this.#reloading.then(async () => {
      const startedMs = performance.now();
      for (const path of renewed) this.#contents.forget(path);
      const publication = await this.#environments.reload(renewed);
      await this.#engine!.publish(publication);
      this.#reloads += 1;
      logReload(this.#options.log, publication, performance.now() - startedMs);
      if (this.#options.environment !== undefined && this.#environments.count === 0) await this.stop(true);
    });
    this.#reloading = next.catch((error: unknown) =>
      logFailure(this.#options.log, 'reload-failed', 'reload', error),
    );
    return next;
  }

  /** Environments that come or go without a command telling us (another host, a restored backup). */
  async #watchHome(): Promise<void> {
    const { environment } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    this.#watcher = watch(await this.#workspace.environments.folder(), (_, name) => {
      if (environment !== undefined && name !== parseReference(environment).name) return;
      clearTimeout(timer);
      // One that fails leaves what is shown as it was; the next change or command tries again.
      timer = setTimeout(() => void this.#reload().catch(() => undefined), reloadDelayMs);
    });
  }

  /**
   * Commands do not find this daemon any more; resolves when those that did have their answers. Runs once: later
   * the socket and the record of this place may be another daemon's.
   */
  #retire(): Promise<void> {
    this.#retired ??= this.#endControl();
    return this.#retired;
  }

  async #endControl(): Promise<void> {
    this.#watcher?.close();
    const closed = this.#server && closeServer(this.#server);
    await removeRecord(this.#workspace.places.runtime, this.#options.mountpoint);
    await closed;
  }

  async #cleanUp(): Promise<void> {
    await this.#retire();
    this.#contents.close();
    for (const lease of this.#leases) await lease.end();
    this.#options.log.info('end', `The mount at ${this.#options.mountpoint} has ended`);
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

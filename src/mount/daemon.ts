import { join } from 'node:path';
import { unless } from '../base/errors.js';
import { isServedFileSystem } from '../base/file-system.js';
import { packageVersion } from '../base/package-files.js';
import { readReference } from '../env/reference.js';
import type { Workspace } from '../env/workspace.js';
import { ImageContents } from '../store/image-contents.js';
import type { HeldLease } from '../store/leases.js';
import type { ContentCache } from './content-cache.js';
import type { DaemonOptions } from './daemon-options.js';
import { type DaemonStatus, describeDaemon } from './daemon-status.js';
import type { Engine } from './engine.js';
import { nameSuccessor } from './hand-over.js';
import { logFailure, logMounted, logStart } from './log-events.js';
import { takeMountLeases } from './mount-leases.js';
import { MountedEnvironments } from './mounted-environments.js';
import { prepareMountpoint } from './mountpoint.js';
import { openCache } from './open-cache.js';
import { Presence } from './presence.js';
import { Reloads } from './reloads.js';
import { Renderer } from './renderer.js';
import { type ControlRequest, journalFile, prepareRuntime } from './runtime.js';
import { ShownImages } from './shown-images.js';
import { type Inherited, ShownJournal } from './shown-journal.js';
import { startEngine } from './start-engine.js';
import { BackgroundAdoption } from './writable/background-adoption.js';
import { HomeRoots } from './writable/home-roots.js';
import { UpperCommands } from './writable/upper-commands.js';

/** One running mount: the engine, what it serves, and the control socket. */
export class Daemon {
  readonly #workspace: Workspace;
  readonly #options: DaemonOptions;
  readonly #contents = new ImageContents();
  readonly #environments: MountedEnvironments;
  /** Filled when it starts, before anything is shown. */
  readonly #leases: HeldLease[] = [];
  readonly #startedMs = Date.now();
  readonly #shown: ShownImages;
  readonly #journal: ShownJournal | undefined;
  readonly #reloads: Reloads;
  readonly #presence: Presence;
  /** Resolves when the mount has ended and everything is cleaned up, or when another process may take it over. */
  readonly ended: Promise<'unmounted' | 'handed over'>;
  #end: (how: 'unmounted' | 'handed over') => void = () => {};
  #servesSinceMs = Date.now();
  #started: Promise<void> | undefined;
  /** Read once: the files of the program may be replaced while it runs. */
  readonly #version = packageVersion();
  #engine: Engine | undefined;
  #engineReason = '';
  #renderer: Renderer | undefined;
  #cache: ContentCache | undefined;
  #adoption: BackgroundAdoption | undefined;

  constructor(workspace: Workspace, options: DaemonOptions) {
    this.#workspace = workspace;
    this.#options = options;
    const { supervisor } = options.supervision ?? {};
    this.#shown = new ShownImages(this.#leases);
    this.#journal =
      supervisor && new ShownJournal(journalFile(workspace.places.runtime, options.mountpoint, supervisor));
    this.#environments = new MountedEnvironments(workspace, {
      status: () => `${JSON.stringify(this.status(), null, 2)}\n`,
      only: options.environment,
      shown: this.#shown,
      journal: this.#journal,
      render: (view, entry) => this.#renderer!.render(view, entry, true),
      log: options.log,
    });
    this.#reloads = new Reloads({
      environments: this.#environments,
      contents: this.#contents,
      journal: this.#journal,
      mountpoint: options.mountpoint,
      log: options.log,
      engine: () => this.#engine!,
      onPublished: () => this.#endWithoutEnvironment(),
    });
    this.#presence = new Presence(workspace, options, {
      handle: (request) => this.#handle(request),
      // A reload that fails leaves what is shown as it was; the next change or command tries again.
      onChange: () => void this.#started?.then(() => this.#reloads.reload()).catch(() => undefined),
    });
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /**
   * Resolves when the mount answers and commands can reach it. Throws, before anything is mounted,
   * ENVIRONMENT_MISSING for one to be mounted alone, and whatever keeps it from being composed.
   */
  start(): Promise<void> {
    this.#started = this.#start();
    return this.#started;
  }

  async #start(): Promise<void> {
    const { mountpoint, supervision } = this.#options;
    const { places } = this.#workspace;
    await prepareRuntime(places.runtime);
    logStart(this.#options, this.#version, places);
    const isTakingOver = supervision?.held !== undefined;
    const taken = { mountpoint, keeper: supervision?.supervisor, isTakingOver };
    this.#leases.push(...(await takeMountLeases(this.#workspace.store, taken)));
    if (isTakingOver) await this.#takeOver(this.#journal!);
    else await this.#begin();
    supervision?.ready();
    void this.#engine!.warm?.();
    if (!this.#options.isReadOnly) this.#adoption = this.#openAdoption();
  }

  async #begin(): Promise<void> {
    this.#journal?.begin();
    try {
      // A home that was copied is not known to the store before.
      await this.#workspace.environments.register();
      await this.#readEnvironments();
      await prepareMountpoint(this.#options.mountpoint);
      await this.#startEngine(undefined);
      await this.#openToCommands();
    } catch (error) {
      await this.#giveUp();
      throw error;
    }
  }

  /** What cannot be had whole leaves nothing behind. */
  async #giveUp(): Promise<void> {
    this.#options.supervision?.ending();
    if (this.#engine) await this.stop(true).catch(() => undefined);
    else await this.#presence.close();
    this.#journal?.end();
    for (const lease of this.#leases) await lease.end();
  }

  /** Goes on where a process that is gone stopped: first what it showed, then what has changed since. */
  async #takeOver(journal: ShownJournal): Promise<void> {
    this.#shown.inherit();
    const inherited = await journal.inherit();
    this.#environments.inherit(inherited);
    if (inherited.isUnknown) await this.#environments.reload();
    await this.#startEngine(inherited);
    if (inherited.isRetired) return this.#presence.stayRetired();
    const forgotten = inherited.isUnknown ? this.#environments.list() : [];
    await this.#presence.watch();
    // What goes wrong is in the log; the next change or command tries again.
    await this.#reloads.reload({ forgotten }).catch(() => undefined);
    // Without its one environment the mount has ended; without a control socket it is served all the same.
    if (this.#presence.isRetired) return;
    await this.#openToCommands().catch((error) => this.#tellFailure('control-failed', error));
  }

  async #openToCommands(): Promise<void> {
    await this.#presence.open(this.#engine!.name, this.#startedMs);
    logMounted(this.#options.log, this.status());
  }

  async #readEnvironments(): Promise<void> {
    const { environment } = this.#options;
    if (environment !== undefined) await readReference(this.#workspace, environment);
    await this.#presence.watch();
    await this.#environments.reload();
    if (environment !== undefined) await this.#environments.load(environment);
  }

  async #startEngine(inherited: Inherited | undefined): Promise<void> {
    const { mountpoint, environment } = this.#options;
    this.#renderer = new Renderer(this.#contents, (serial) => {
      const name = this.#environments.nameOf(serial) ?? '';
      return { name, path: environment === undefined ? join(mountpoint, name) : mountpoint };
    });
    const { engine, reason } = await startEngine(inherited ? 'kernel' : this.#options.engine, {
      ...this.#options,
      isStoreRemote: (await unless('ENOENT', isServedFileSystem(this.#workspace.places.store))) ?? false,
      source: this.#environments,
      renderer: this.#renderer,
      journal: this.#journal,
      inherited,
      statfsPath: this.#workspace.places.home,
      roots:
        environment === undefined
          ? new HomeRoots(this.#workspace, this.#environments, () => this.#reloads.show())
          : undefined,
      onEnd: () => void this.#cleanUp(),
    });
    this.#engine = engine;
    this.#engineReason = reason;
    this.#servesSinceMs = Date.now();
    const { cache, log } = this.#options;
    const isTakenOver = inherited !== undefined;
    if (cache) this.#cache = await openCache(cache, engine, { isTakenOver, log });
  }

  /**
   * Unmounts and cleans up. Throws MOUNT_BUSY when a process still uses the mount; with `lazy` those that do are
   * served on, but the place is free for another daemon, which a second call leaves alone.
   */
  async stop(lazy: boolean): Promise<void> {
    if (this.#presence.isRetired) return;
    this.#options.log.info('unmount', lazy ? 'Unmounting, lazily' : 'Unmounting', { lazy });
    await this.#engine?.unmount(lazy);
    this.#journal?.retire();
    void this.#presence.retire();
  }

  status(): DaemonStatus {
    return describeDaemon({
      options: this.#options,
      places: this.#workspace.places,
      environments: this.#environments,
      engine: this.#engine!,
      engineReason: this.#engineReason,
      cache: this.#cache,
      startedMs: this.#startedMs,
      servesSinceMs: this.#servesSinceMs,
      version: this.#version,
      reloads: this.#reloads.count,
      generatedBytes: this.#renderer!.keptBytes,
    });
  }

  async #handle(request: ControlRequest): Promise<unknown> {
    switch (request.operation) {
      case 'status':
        return this.status();
      case 'reload':
        return this.#reloads.reload({ renewed: new Set(request.images) });
      case 'stop':
        return this.stop(request.lazy ?? false);
      case 'adopt':
        return this.#commands().adopt(request.name ?? '', request.plan ?? '');
      case 'revert':
        return this.#commands().revert(request.name ?? '', request.paths ?? []);
      case 'restart':
        return this.#restart(request.command ?? []);
      default:
        throw new Error('unknown operation');
    }
  }

  #openAdoption(): BackgroundAdoption {
    const { uppers } = this.#environments;
    return new BackgroundAdoption({
      uppers,
      nameOf: (serial) => this.#environments.nameOf(serial),
      log: this.#options.log,
    });
  }

  #commands(): UpperCommands {
    const [workspace, environments, engine] = [this.#workspace, this.#environments, this.#engine!];
    return new UpperCommands({ workspace, environments, engine, show: () => this.#reloads.show() });
  }

  /** The mount of one environment alone ends with it. */
  async #endWithoutEnvironment(): Promise<void> {
    if (this.#options.environment !== undefined && this.#environments.count === 0) await this.stop(true);
  }

  #tellFailure(event: string, error: unknown): void {
    logFailure(this.#options.log, event, this.#options.mountpoint, error);
  }

  /** Hands the mount over to `command`, with this process's arguments. Throws NOT_SUPERVISED, TARGET_UNUSABLE. */
  async #restart(command: readonly string[]): Promise<void> {
    // Before it is ready the supervisor would take this process for one that failed.
    await this.#started;
    await nameSuccessor(this.#options, this.#engine!, command);
    void this.#handOver();
  }

  async #handOver(): Promise<void> {
    this.#adoption?.end();
    await this.#presence.close();
    await this.#reloads.served;
    await this.#engine!.handOver!();
    this.#end('handed over');
  }

  async #cleanUp(): Promise<void> {
    await this.#started?.catch(() => undefined);
    this.#adoption?.end();
    this.#options.supervision?.ending();
    await this.#presence.retire();
    this.#journal?.end();
    await this.#cache?.close();
    this.#contents.close();
    for (const lease of this.#leases) await lease.end();
    this.#options.log.info('end', `The mount at ${this.#options.mountpoint} has ended`);
    this.#end('unmounted');
  }
}

import type { Places } from '../base/paths.js';
import type { ContentCache } from './content-cache.js';
import type { DaemonOptions } from './daemon-options.js';
import type { Engine } from './engine.js';
import { type DaemonFigures, processFigures } from './figures.js';
import type { MountedEnvironments } from './mounted-environments.js';
import { type SupervisionStatus, supervisionStatus } from './supervision-status.js';

/** What `status` tells of a mount. */
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
  /** Environments with an upper layer that this mount has shown so far; left out where it is mounted read-only. */
  writable?: string[];
  viewsLoaded: number;
  memoryBytes: number;
  /** Left out where nobody starts another process when this one dies. */
  supervision?: SupervisionStatus;
  requests: Record<string, number>;
  negotiated: Record<string, unknown>;
  details: Record<string, unknown>;
  /** Environments and images that cannot be shown, with the reason. */
  failures: Record<string, string>;
  /** Sealed environments that are shown from their images, with the reason; left out where there are none. */
  warnings?: Record<string, string>;
}

interface DaemonParts {
  options: DaemonOptions;
  places: Places;
  environments: MountedEnvironments;
  engine: Engine;
  engineReason: string;
  cache: ContentCache | undefined;
  /** Of this process, in milliseconds since 1970. */
  startedMs: number;
  servesSinceMs: number;
  version: string;
  reloads: number;
  generatedBytes: number;
}

export function describeDaemon(parts: DaemonParts): DaemonStatus {
  const { options, places, environments, engine, cache, startedMs, servesSinceMs } = parts;
  const { mountpoint, environment, supervision } = options;
  const { requests, errors, negotiated, details } = engine.status();
  const { failures, warnings } = environments;
  return {
    mountpoint,
    ...(environment === undefined ? {} : { environment }),
    pid: process.pid,
    version: parts.version,
    engine: engine.name,
    engineReason: parts.engineReason,
    home: places.home,
    ...storesOf(places),
    uptimeSeconds: Math.round((Date.now() - startedMs) / 1000),
    environments: environments.count,
    ...(options.isReadOnly ? {} : { writable: environments.writableNames() }),
    viewsLoaded: environments.loadedCount,
    imagesLoaded: environments.imageCount,
    reloads: parts.reloads,
    generatedBytes: parts.generatedBytes,
    memoryBytes: process.memoryUsage.rss(),
    process: processFigures(),
    // An engine that cannot be handed over ends with its process.
    ...(supervision && engine.handOver && { supervision: supervisionStatus(supervision, servesSinceMs) }),
    requests,
    errors,
    negotiated,
    details: cache ? { ...details, cache: cache.status() } : details,
    failures: Object.fromEntries(failures),
    ...(warnings.size === 0 ? {} : { warnings: Object.fromEntries(warnings) }),
  };
}

export function storesOf({ store, upstreams }: Places): Pick<DaemonStatus, 'store' | 'upstreams'> {
  return { store, ...(upstreams.length === 0 ? {} : { upstreams }) };
}

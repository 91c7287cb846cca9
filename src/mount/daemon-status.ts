import type { ProcessFigures } from './figures.js';
import type { SupervisionStatus } from './supervision-status.js';

/** What `status` tells of a mount. */
export interface DaemonStatus {
  mountpoint: string;
  /** The one environment that is mounted; left out where all are, as folders. */
  environment?: string;
  pid: number;
  /** Of the program that serves. */
  version: string;
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
  imagesLoaded: number;
  /** How often it has looked what changed. */
  reloads: number;
  /** Bytes of generated files that are kept. */
  generatedBytes: number;
  memoryBytes: number;
  process: ProcessFigures;
  /** Left out where nobody starts another process when this one dies. */
  supervision?: SupervisionStatus;
  requests: Record<string, number>;
  /** Of `requests`, those that were answered with an error; ENOENT is one. */
  errors: Record<string, number>;
  negotiated: Record<string, unknown>;
  details: Record<string, unknown>;
  /** Environments and images that cannot be shown, with the reason. */
  failures: Record<string, string>;
  /** Sealed environments that are shown from their images, with the reason; left out where there are none. */
  warnings?: Record<string, string>;
}

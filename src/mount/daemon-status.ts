import type { DaemonFigures } from './figures.js';
import type { SupervisionStatus } from './supervision-status.js';

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

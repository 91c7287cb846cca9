import { ShenvError } from '../base/errors.js';
import type { Logger } from '../base/log.js';
import type { Places } from '../base/paths.js';
import type { View } from '../view/tree.js';
import type { DaemonOptions } from './daemon-options.js';
import type { DaemonStatus } from './daemon-status.js';
import type { Publication } from './engine.js';
import type { Upcall } from './native-addon.js';

/** The events of a mount as its log tells them; docs/observing.md lists them. */

export function logStart(options: DaemonOptions, version: string, places: Places): void {
  const { log, mountpoint, environment, engine, isReadOnly, allowOther, fullBlocks, threads } = options;
  const { home, store, upstreams } = places;
  log.info('start', `shenv-fs ${version} starts for ${mountpoint}`, {
    version,
    node: process.versions.node,
    pid: process.pid,
    mountpoint,
    ...{ environment, engine, isReadOnly, allowOther, fullBlocks, threads },
    ...{ home, store, upstreams },
  });
}

export function logMounted(log: Logger, status: DaemonStatus): void {
  const { mountpoint, engine, engineReason, environments, negotiated } = status;
  const { protocol, threads, mountedVia } = negotiated;
  const fields = { engine, reason: engineReason, environments, protocol, threads, via: mountedVia };
  log.info('mounted', `Mounted at ${mountpoint}`, fields);
}

interface Composed {
  name: string;
  generation: number;
  view: View;
  tookMs: number;
}

export function logComposed(log: Logger, { name, generation, view, tookMs }: Composed): void {
  log.info('environment-composed', `Composed '${name}'`, {
    environment: name,
    generation,
    layers: view.layers.length,
    tookMs: Math.round(tookMs),
  });
}

/** With the event `image-damaged` where that is the cause. `subject` is what cannot be shown. */
export function logFailure(log: Logger, event: string, subject: string, error: unknown): void {
  if (!(error instanceof ShenvError)) {
    log.error(event, error instanceof Error ? error.message : String(error), { subject });
    return;
  }
  const { code, message, hint, path } = error;
  log.error(code === 'IMAGE_DAMAGED' ? 'image-damaged' : event, message, { subject, code, path, hint });
}

/** Without a change it is for debugging alone: every command that may have changed something asks for a reload. */
export function logReload(log: Logger, publication: Publication, tookMs: number): void {
  const { rootsChanged, replaced, renewed } = publication;
  const names = replaced.map(({ name }) => name);
  const isChange = rootsChanged || names.length > 0 || renewed.size > 0;
  log[isChange ? 'info' : 'debug']('reload', isChange ? 'What is shown has changed' : 'Nothing has changed', {
    rootsChanged,
    replaced: names,
    renewedImages: renewed.size,
    tookMs: Math.round(tookMs),
  });
}

/** What the engine could not get for the kernel, which is answered with `errno`. */
export function logUpcallFailure(log: Logger, upcall: Upcall, error: unknown, errno: number): void {
  const message = error instanceof Error ? error.message : String(error);
  log.warn('upcall-failed', message, { ...subjectOf(upcall), errno });
}

/** As a log can tell it: JSON has no bigint. */
function subjectOf(upcall: Upcall): Record<string, number | string> {
  if (upcall.kind === 'view') return { environmentSerial: upcall.environmentSerial };
  return upcall.kind === 'image' ? { imageSerial: upcall.imageSerial } : { inode: String(upcall.inode) };
}

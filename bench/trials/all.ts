import { counts } from './counts.js';
import { creation } from './creation.js';
import { environments } from './environments.js';
import { growth } from './growth.js';
import { imports } from './import.js';
import { interpreters } from './interpreters.js';
import { listing } from './listing.js';
import { pageCache } from './page-cache.js';
import { reading } from './reading.js';
import { requests } from './requests.js';
import { sharedNode } from './shared-node.js';
import { sharedStore } from './shared-store.js';
import { space } from './space.js';
import { start } from './start.js';
import { startStorm } from './start-storm.js';
import { stat } from './stat.js';
import { threads } from './threads.js';
import type { Trial } from './trial.js';
import { verify } from './verify.js';
import { writable } from './writable.js';

/** Every trial, in the order in which it is run and reported. */
export const trials: readonly Trial[] = [
  ...[stat, listing, reading, start, imports, interpreters, requests, pageCache],
  ...[
    creation,
    writable,
    space,
    environments,
    growth,
    sharedStore,
    sharedNode,
    startStorm,
    counts,
    threads,
    verify,
  ],
];

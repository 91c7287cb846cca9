import type { Probe } from '../../src/python/probe.js';
import { interpreterOf, minors } from '../../test/support/interpreters.js';
import type { Bench } from './bench.js';

/** The interpreters beside the main one; those that are not here are named as left out. */
export async function otherPythons(bench: Bench, trial: string): Promise<Probe[]> {
  const found: Probe[] = [];
  for (const minor of minors) {
    if (minor === bench.settings.python.minor) continue;
    const python = await interpreterOf(minor);
    if (python) found.push(python);
    else bench.skip(`${trial} with Python ${minor}`, 'there is no such interpreter here');
  }
  return found;
}

import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { listInterpreters } from '../../src/python/discover.js';
import type { Probe } from '../../src/python/probe.js';

export const minors = ['3.8', '3.9', '3.10', '3.11', '3.12', '3.13'] as const;

let found: Promise<Probe[]> | undefined;

/** The newest interpreter of a minor version, or undefined. */
export async function interpreterOf(minor: string): Promise<Probe | undefined> {
  found ??= listInterpreters();
  return (await found).find((probe) => probe.minor === minor);
}

/** As `interpreterOf`; where there is none the test passes and says why. */
export async function requireInterpreter(t: ExecutionContext, minor: string): Promise<Probe | undefined> {
  const probe = await interpreterOf(minor);
  if (!probe) skip(t, `there is no Python ${minor} here`);
  return probe;
}

/** The interpreter that the tests use when any does: the newest that carries pip. */
export async function anyInterpreter(): Promise<Probe> {
  found ??= listInterpreters();
  const probe = (await found).find(({ ensurepipWheel }) => ensurepipWheel !== null);
  if (!probe) throw new Error('no interpreter with ensurepip is here');
  return probe;
}

/** As `anyInterpreter`, of those that every user can run. */
export async function anySharedInterpreter(): Promise<Probe> {
  found ??= listInterpreters();
  const probe = (await found).find((one) => one.ensurepipWheel !== null && !isPrivate(one));
  if (!probe) throw new Error('no interpreter with ensurepip is here that every user can run');
  return probe;
}

/** Every wheel that an interpreter's ensurepip carries. */
export async function bundledWheels(probe: Probe): Promise<string[]> {
  const folder = join(probe.ensurepipWheel!, '..');
  return (await readdir(folder)).filter((name) => name.endsWith('.whl')).map((name) => join(folder, name));
}

/** Ends a test that cannot run here as passed, with the reason in the log. */
export function skip(t: ExecutionContext, reason: string): void {
  t.log(`skipped: ${reason}`);
  t.pass(reason);
}

/** Whether a path that every user can read leads to the interpreter. */
export function isPrivate({ baseExecutable }: Probe): boolean {
  return baseExecutable.startsWith(`${homedir()}/`);
}

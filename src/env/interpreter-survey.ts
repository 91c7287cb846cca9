import { join, relative } from 'node:path';
import { ShenvError } from '../base/errors.js';
import { discoverInterpreter, listInterpreters } from '../python/discover.js';
import {
  captureInterpreter,
  type InterpreterRecord,
  type KnownInterpreter,
} from '../python/interpreter-record.js';
import type { Probe } from '../python/probe.js';

/**
 * What became of the interpreter that a record tells of: it is as recorded; it is there with other facts
 * (a patch upgrade, a changed venv module); one of its kind is elsewhere; there is none of its kind.
 */
export type InterpreterState = 'current' | 'patched' | 'moved' | 'gone';

export interface Finding {
  state: InterpreterState;
  /** What takes its place; undefined where nothing does. */
  now: KnownInterpreter | undefined;
}

/** Looks after interpreters for one command: each is probed once, and the machine searched at most once. */
export class InterpreterSurvey {
  readonly #captured = new Map<string, Promise<KnownInterpreter | undefined>>();
  #listed: Promise<Probe[]> | undefined;

  async find(record: InterpreterRecord): Promise<Finding> {
    const here = await this.#capture(record.baseExecutable);
    if (here && isSameKind(here.record, record))
      return { state: hasSameFacts(here.record, record) ? 'current' : 'patched', now: here };
    const elsewhere = await this.#findElsewhere(record);
    return { state: elsewhere ? 'moved' : 'gone', now: elsewhere };
  }

  /** The interpreter that a user means. Throws INTERPRETER_MISSING, INTERPRETER_UNUSABLE. */
  async choose(request: string): Promise<KnownInterpreter> {
    const { baseExecutable } = await discoverInterpreter(request);
    return (await this.#capture(baseExecutable)) ?? captureInterpreter(baseExecutable);
  }

  /** The same version before any other, and the executable at the same place below the prefix before any other. */
  async #findElsewhere(record: InterpreterRecord): Promise<KnownInterpreter | undefined> {
    this.#listed ??= listInterpreters();
    const ofKind = (await this.#listed).filter((probe) => isSameKind(probe, record));
    const sameVersion = ofKind.filter(({ version }) => version === record.version);
    const place = relative(record.basePrefix, record.baseExecutable);
    for (const { basePrefix, baseExecutable } of new Set([...sameVersion, ...ofKind])) {
      for (const path of [join(basePrefix, place), baseExecutable]) {
        const found = await this.#capture(path);
        if (found && isSameKind(found.record, record)) return found;
      }
    }
    return undefined;
  }

  #capture(executable: string): Promise<KnownInterpreter | undefined> {
    let captured = this.#captured.get(executable);
    captured ??= captureInterpreter(executable).catch((error: unknown) => {
      if (error instanceof ShenvError) return undefined;
      throw error;
    });
    this.#captured.set(executable, captured);
    return captured;
  }
}

/** Whether what was compiled for one runs with the other: the minor version and the ABI are the same. Pure. */
export function isSameKind(a: Probe, b: Probe): boolean {
  const [left, right] = [abiOf(a), abiOf(b)];
  const isSameAbi = left === undefined || right === undefined || left === right;
  return a.implementation === b.implementation && a.cacheTag === b.cacheTag && isSameAbi;
}

/** `cp313t` of `cp313-cp313t-linux_x86_64`, the first of the tags. */
function abiOf({ tags }: Probe): string | undefined {
  return tags[0]?.split('-')[1];
}

/**
 * Whether environments of both are the same. By which path it was probed does not count, nor which version
 * of pip the interpreter has itself, as long as it has one. Pure.
 */
export function hasSameFacts(a: InterpreterRecord, b: InterpreterRecord): boolean {
  const facts = (record: InterpreterRecord) =>
    JSON.stringify({ ...record, executable: '', pipVersion: record.pipVersion !== null });
  return facts(a) === facts(b);
}

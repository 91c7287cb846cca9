import { randomBytes } from 'node:crypto';
import { ShenvError } from '../base/errors.js';
import { type Manifest, noInterpreter } from '../manifest/types.js';
import {
  type InterpreterRecord,
  type KnownInterpreter,
  keepInterpreter,
  readInterpreter,
} from '../python/interpreter-record.js';
import { assignSlots, nowMs } from './change.js';
import { hasSameFacts, type InterpreterState, InterpreterSurvey } from './interpreter-survey.js';
import { commitTogether } from './joint-change.js';
import { type ReselectOptions, reselect, type WheelChange } from './reselect.js';
import { tryGeneration } from './try-generation.js';
import type { Workspace } from './workspace.js';

export interface RepairRequest extends ReselectOptions {
  /** Every environment when it is empty. */
  names: readonly string[];
  /** The interpreter that they are to have, as `create` takes it; left out, the one that they have. */
  python?: string;
}

export interface InterpreterTitle {
  version: string;
  executable: string;
}

/** What a repair found of one environment, and what came of it. */
export interface RepairedEnvironment {
  name: string;
  /** The generation that was looked at. */
  generation: number | undefined;
  before: InterpreterTitle | undefined;
  /** Undefined where nothing can be told of the interpreter. */
  state: InterpreterState | undefined;
  after: InterpreterTitle | undefined;
  /** Nothing to do; a further generation (with `dryRun`: would be made); left as it is because of `reason`. */
  outcome: 'unchanged' | 'repaired' | 'left';
  wheels: WheelChange[];
  /** Why it is left as it is; of a bare one, why there is nothing to do. */
  reason?: string;
}

interface Planned {
  repaired: RepairedEnvironment;
  manifest?: Manifest;
  interpreter?: KnownInterpreter;
}

/**
 * Gives environments whose interpreter was upgraded or moved, or all of them with `python`, a further
 * generation with the interpreter as it is now, as one change. An environment for which that cannot be is left
 * as it is and told with the reason. Throws ENVIRONMENT_MISSING, ENVIRONMENT_CHANGED and, for `python`,
 * INTERPRETER_MISSING and INTERPRETER_UNUSABLE.
 */
export async function repair(workspace: Workspace, request: RepairRequest): Promise<RepairedEnvironment[]> {
  const { environments, signal } = workspace;
  for (const name of request.names) await environments.generations(name);
  const names = request.names.length > 0 ? [...new Set(request.names)] : await environments.list();
  const survey = new InterpreterSurvey();
  const target = request.python === undefined ? undefined : await survey.choose(request.python);
  const run = new RepairRun(workspace, request, survey, target);
  const planned: Planned[] = [];
  for (const name of names) {
    signal?.throwIfAborted();
    planned.push(await run.plan(name));
  }
  if (!request.dryRun) await publishTogether(workspace, planned);
  return planned.map(({ repaired }) => repaired);
}

async function publishTogether({ environments }: Workspace, planned: readonly Planned[]): Promise<void> {
  const interpreters = new Map(planned.flatMap(({ interpreter: one }) => (one ? [[one.key, one]] : [])));
  for (const interpreter of interpreters.values())
    await keepInterpreter(environments.interpreters, interpreter);
  await commitTogether(
    environments,
    planned.flatMap(({ manifest }) => manifest ?? []),
  );
}

/** One run over environments, all with the same request. */
class RepairRun {
  readonly #workspace: Workspace;
  readonly #request: RepairRequest;
  readonly #survey: InterpreterSurvey;
  readonly #target: KnownInterpreter | undefined;
  readonly #id = randomBytes(8).toString('hex');

  constructor(
    workspace: Workspace,
    request: RepairRequest,
    survey: InterpreterSurvey,
    target: KnownInterpreter | undefined,
  ) {
    this.#workspace = workspace;
    this.#request = request;
    this.#survey = survey;
    this.#target = target;
  }

  async plan(name: string): Promise<Planned> {
    const repaired: RepairedEnvironment = { ...unknown, name };
    try {
      return await this.#plan(repaired);
    } catch (error) {
      if (!(error instanceof ShenvError)) throw error;
      const reason = [error.message, error.hint].filter(Boolean).join('. ');
      return { repaired: { ...repaired, outcome: 'left', reason } };
    }
  }

  /** Fills `repaired` in as far as it comes. */
  async #plan(repaired: RepairedEnvironment): Promise<Planned> {
    const { environments } = this.#workspace;
    const current = await environments.read(repaired.name);
    repaired.generation = current.generation;
    if (current.interpreter === noInterpreter)
      return { repaired: { ...repaired, reason: 'bare, it has no interpreter yet' } };
    const record = await readInterpreter(environments.interpreters, current.interpreter);
    repaired.before = titleOf(record);
    const { state, now } = await this.#survey.find(record);
    repaired.state = state;
    const next = this.#target ?? now;
    if (next === undefined) throw nothingOfItsKind(repaired.name, record);
    repaired.after = titleOf(next.record);
    if (hasSameFacts(next.record, record)) return { repaired };
    const { layers, wheels } = await reselect(
      this.#workspace,
      { current, from: record, to: next.record },
      this.#request,
    );
    const planned = { repaired: { ...repaired, outcome: 'repaired' as const, wheels } };
    if (this.#request.dryRun) return planned;
    const manifest: Manifest = {
      ...current,
      generation: current.generation + 1,
      change: { atMs: Date.now(), what: describe(record, next.record), id: this.#id },
      createdMs: nowMs(),
      interpreter: next.key,
      ...assignSlots(current.layers, layers, current.nextSlot),
    };
    await tryGeneration(this.#workspace, next.record, manifest);
    return { ...planned, manifest, interpreter: next };
  }
}

const unknown: Omit<RepairedEnvironment, 'name'> = {
  generation: undefined,
  before: undefined,
  state: undefined,
  after: undefined,
  outcome: 'unchanged',
  wheels: [],
};

function titleOf({ version, baseExecutable }: InterpreterRecord): InterpreterTitle {
  return { version, executable: baseExecutable };
}

/** As `history` tells it. */
function describe(before: InterpreterRecord, after: InterpreterRecord): string {
  if (before.version !== after.version) return `repair: Python ${before.version} -> ${after.version}`;
  const place = before.baseExecutable === after.baseExecutable ? '' : ` at ${after.baseExecutable}`;
  return `repair: Python ${after.version}${place}`;
}

function nothingOfItsKind(name: string, { minor }: InterpreterRecord): ShenvError {
  return new ShenvError('INTERPRETER_MISSING', `No Python ${minor} is here any more`, {
    hint: `Install one, or choose another: \`shenv-fs repair ${name} --python 3.x\`.`,
  });
}

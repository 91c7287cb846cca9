import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Form } from '../report/result.js';

export interface Options {
  form: Form;
  /** Small sets and few rounds: every form but the full one. */
  isQuick: boolean;
  rounds: number;
  slowRounds: number;
  cache: string;
  python: string;
  uv: string;
  /** Names; undefined means all. */
  only: string[] | undefined;
  contenders: string[] | undefined;
  /** The set of bench/sets that trials of the file system use. */
  mainSet: string | undefined;
  /** Of the trial import: which of small, medium, large, and which other Pythons. Undefined means all. */
  sets: string[] | undefined;
  pythons: string[] | undefined;
  /** In how many minutes it shall end: rounds shrink, never points. Undefined: all rounds. */
  budgetMinutes: number | undefined;
  /** Where the result is written; undefined writes none. */
  output: string | undefined;
  wantsList: boolean;
  wantsHelp: boolean;
}

export const usage = `usage: npm run bench -- [options]

  --quick               a small set of wheels and few rounds: under 3 minutes once the wheels are downloaded
  --counts              counts alone, which a busy machine does not change: under a minute
  --only TRIAL,...      these trials alone; --list names them
  --contenders NAME,... these contenders alone, and the venv that they are compared with
  --list                name trials and contenders, and what is missing here
  --python PYTHON       the main interpreter (3.11)
  --pythons MINOR,...   of the other Pythons these alone (3.8 to 3.13, 2.7)
  --sets NAME,...       of the sets that are imported these alone (small, medium, large)
  --main SET            the set of trials of the file system (large; quick with --quick and --counts)
  --rounds N            repetitions (5; 3 with --quick)
  --budget MINUTES      end by then: rounds shrink, never points, and the result says where
  --cache FOLDER        where downloaded wheels stay (shenv-bench-wheels in the system's temporary folder)
  --uv PROGRAM          the program uv
  --output FOLDER       where the result goes (bench/results)
  --no-output           write no result

TMPDIR chooses the disk. As root more is measured: caches can be dropped, kernel file systems mounted.`;

/** Throws a TypeError for an option that is not there. */
export function readOptions(args: readonly string[], resultsFolder: string): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      counts: { type: 'boolean', default: false },
      only: { type: 'string' },
      contenders: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      python: { type: 'string', default: '3.11' },
      rounds: { type: 'string' },
      budget: { type: 'string' },
      cache: { type: 'string', default: join(tmpdir(), 'shenv-bench-wheels') },
      uv: { type: 'string', default: 'uv' },
      main: { type: 'string' },
      sets: { type: 'string' },
      pythons: { type: 'string' },
      output: { type: 'string', default: resultsFolder },
      'no-output': { type: 'boolean', default: false },
    },
  });
  if (values.counts && (values.quick || values.only || values.contenders))
    throw new TypeError('--counts goes with neither --quick nor --only nor --contenders');
  const form = values.counts ? 'counts' : values.quick ? 'quick' : 'full';
  const isQuick = form !== 'full';
  const rounds = Number(values.rounds ?? (isQuick ? 3 : 5));
  if (!Number.isInteger(rounds) || rounds < 1) throw new TypeError('--rounds takes a whole number from 1');
  const budgetMinutes = values.budget === undefined ? undefined : Number(values.budget);
  if (budgetMinutes !== undefined && !(budgetMinutes > 0)) throw new TypeError('--budget takes minutes');
  return {
    budgetMinutes,
    form,
    isQuick,
    rounds,
    slowRounds: isQuick ? 1 : Math.min(rounds, 3),
    cache: resolve(values.cache),
    python: values.python,
    uv: values.uv,
    mainSet: values.main,
    sets: values.sets?.split(','),
    pythons: values.pythons?.split(','),
    only: values.only?.split(','),
    contenders: values.contenders?.split(','),
    output: values['no-output'] ? undefined : resolve(values.output),
    wantsList: values.list,
    wantsHelp: values.help,
  };
}

/** The named ones in their own order; all without names. Throws a TypeError that names what is unknown. */
export function choose<Item extends { name: string }>(
  all: readonly Item[],
  names: readonly string[] | undefined,
  what: string,
): Item[] {
  const unknown = names?.filter((name) => !all.some((item) => item.name === name)) ?? [];
  if (unknown.length > 0)
    throw new TypeError(
      `no ${what} is called ${unknown.join(', ')}; there are: ${all.map(({ name }) => name).join(', ')}`,
    );
  return all.filter(({ name }) => names === undefined || names.includes(name));
}

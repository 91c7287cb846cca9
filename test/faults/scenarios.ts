/** What an environment holds: name to version; undefined where there is no such environment. */
export type Held = Readonly<Record<string, string>> | undefined;

/** What one round's commands are made of. */
export interface Supplies {
  /** Version of `fresh` that no round had before, and of `leaf` that is newer than any. */
  version: string;
  python: string;
  /** Options that name the folders with wheels, and no index. */
  source: readonly string[];
  /** alpha, beta and fresh, pinned; the store lacks fresh. */
  requirementsPath: string;
  /** The same as a lock. */
  lockPath: string;
  /** The wheel of fresh. */
  freshWheel: string;
}

/** A command that is disturbed, and what it leads to. */
export interface Scenario {
  name: string;
  args(supplies: Supplies): readonly string[];
  /** The environments that it changes, each with what it holds afterwards. */
  after(supplies: Supplies): Readonly<Record<string, Held>>;
  /** Exit status of the same command when its work is done already. */
  statusAgain: number;
  /** Whether pip runs. */
  isSlow: boolean;
  /** Whether the interpreter has to be probed anew. */
  forgetsInterpreter?: boolean;
  /** Whether it makes a further generation when its work is done already. */
  isRepeatable?: boolean;
  /** Whether one of its environments may be in its new state before the other. */
  mayBeBetween?: boolean;
}

/**
 * What the environments of a home hold when a round begins; `compiled` shows bytecode, `rolled` held no leaf in
 * its first generation, `made` is none.
 */
export const baseHeld = { alpha: '1.0', beta: '2.0', leaf: '1.0' } as const;
export const baseRequested = ['alpha', 'leaf'] as const;

const { leaf: _, ...withoutLeaf } = baseHeld;
const withFresh = ({ version }: Supplies) => ({ ...withoutLeaf, fresh: version });

function install(name: string, environment: string): Scenario {
  return {
    name,
    args: ({ version, source }) => ['install', environment, `fresh==${version}`, ...source],
    after: ({ version }) => ({ [environment]: { ...baseHeld, fresh: version } }),
    statusAgain: 0,
    isSlow: true,
  };
}

function syncToLock(name: string, environment: string): Scenario {
  return {
    name,
    args: ({ lockPath }) => ['sync', environment, lockPath],
    after: (supplies) => ({ [environment]: withFresh(supplies) }),
    statusAgain: 0,
    isSlow: false,
  };
}

function create(name: string, ...options: string[]): Scenario {
  return {
    name,
    args: ({ lockPath, python }) => {
      return ['create', 'made', '-r', lockPath, '--python', python, '--without-pip', ...options];
    },
    after: (supplies) => ({ made: withFresh(supplies) }),
    statusAgain: 32,
    isSlow: false,
  };
}

/** A command that runs no pip. */
function quick(
  name: string,
  args: readonly string[],
  after: Readonly<Record<string, Held>>,
  rest: Partial<Scenario> = {},
): Scenario {
  return { name, args: () => args, after: () => after, statusAgain: 0, isSlow: false, ...rest };
}

export const scenarios: readonly Scenario[] = [
  { ...quick('put', [], {}), args: ({ freshWheel }) => ['store', 'add', freshWheel] },
  quick('gc', ['store', 'gc', '--older-than', '0', '--wait', '5'], {}),
  install('install', 'plain'),
  install('install-compiled', 'compiled'),
  {
    name: 'sync-requirements',
    args: ({ requirementsPath, source }) => ['sync', 'plain', requirementsPath, ...source],
    after: (supplies) => ({ plain: withFresh(supplies) }),
    statusAgain: 0,
    isSlow: true,
  },
  syncToLock('sync-lock', 'plain'),
  syncToLock('sync-lock-compiled', 'compiled'),
  quick('remove', ['remove', 'plain', 'leaf'], { plain: withoutLeaf }, { statusAgain: 49 }),
  quick('rollback', ['rollback', 'rolled', '--to', '1'], { rolled: withoutLeaf }, { isRepeatable: true }),
  {
    name: 'upgrade',
    args: ({ source }) => ['upgrade', 'plain', 'leaf', ...source],
    after: ({ version }) => ({ plain: { ...baseHeld, leaf: version } }),
    statusAgain: 0,
    isSlow: true,
  },
  create('create', '--no-bytecode'),
  create('create-compiled'),
  { ...create('create-afresh', '--no-bytecode'), forgetsInterpreter: true },
  {
    ...create('create-resolving', '--no-bytecode'),
    args: ({ version, source, python }) => {
      const options = ['--python', python, '--without-pip', '--no-bytecode'];
      return ['create', 'made', 'alpha', `fresh==${version}`, ...source, ...options];
    },
    isSlow: true,
  },
  quick('clone', ['clone', 'plain', 'made'], { made: baseHeld }, { statusAgain: 32 }),
  quick(
    'rename',
    ['rename', 'spare', 'made'],
    { made: baseHeld, spare: undefined },
    { statusAgain: 33, mayBeBetween: true },
  ),
  quick('delete', ['delete', 'spare'], { spare: undefined }, { statusAgain: 33 }),
];

export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (!found)
    throw new Error(`no scenario is named ${name}: ${scenarios.map((item) => item.name).join(', ')}`);
  return found;
}

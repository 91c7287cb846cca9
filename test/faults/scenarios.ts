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
}

/** A command that is disturbed, and what it leads to. */
export interface Scenario {
  name: string;
  /** The one environment that it changes. */
  environment: string;
  args(supplies: Supplies): readonly string[];
  after(supplies: Supplies): Held;
  /** Exit status of the same command when its work is done already. */
  statusAgain: number;
  /** Whether pip runs. */
  isSlow: boolean;
  /** Whether the interpreter has to be probed anew. */
  forgetsInterpreter?: boolean;
}

/** What the environments of a home hold when a round begins; `compiled` shows bytecode, `made` is none. */
export const baseHeld = { alpha: '1.0', beta: '2.0', leaf: '1.0' } as const;
export const baseRequested = ['alpha', 'leaf'] as const;

const { leaf: _, ...withoutLeaf } = baseHeld;
const withFresh = ({ version }: Supplies) => ({ ...withoutLeaf, fresh: version });

function install(name: string, environment: string): Scenario {
  return {
    name,
    environment,
    args: ({ version, source }) => ['install', environment, `fresh==${version}`, ...source],
    after: ({ version }) => ({ ...baseHeld, fresh: version }),
    statusAgain: 0,
    isSlow: true,
  };
}

function syncToLock(name: string, environment: string): Scenario {
  return {
    name,
    environment,
    args: ({ lockPath }) => ['sync', environment, lockPath],
    after: withFresh,
    statusAgain: 0,
    isSlow: false,
  };
}

function create(name: string, ...options: string[]): Scenario {
  return {
    name,
    environment: 'made',
    args: ({ lockPath, python }) => {
      return ['create', 'made', '-r', lockPath, '--python', python, '--without-pip', ...options];
    },
    after: withFresh,
    statusAgain: 32,
    isSlow: false,
  };
}

export const scenarios: readonly Scenario[] = [
  install('install', 'plain'),
  install('install-compiled', 'compiled'),
  {
    name: 'sync-requirements',
    environment: 'plain',
    args: ({ requirementsPath, source }) => ['sync', 'plain', requirementsPath, ...source],
    after: withFresh,
    statusAgain: 0,
    isSlow: true,
  },
  syncToLock('sync-lock', 'plain'),
  syncToLock('sync-lock-compiled', 'compiled'),
  {
    name: 'remove',
    environment: 'plain',
    args: () => ['remove', 'plain', 'leaf'],
    after: () => withoutLeaf,
    statusAgain: 49,
    isSlow: false,
  },
  {
    name: 'upgrade',
    environment: 'plain',
    args: ({ source }) => ['upgrade', 'plain', 'leaf', ...source],
    after: ({ version }) => ({ ...baseHeld, leaf: version }),
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
  {
    name: 'delete',
    environment: 'spare',
    args: () => ['delete', 'spare'],
    after: () => undefined,
    statusAgain: 33,
    isSlow: false,
  },
];

export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (!found)
    throw new Error(`no scenario is named ${name}: ${scenarios.map((item) => item.name).join(', ')}`);
  return found;
}

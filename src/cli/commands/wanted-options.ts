import { repeat, type Wanted } from '../../env/wanted.js';

/** Options of every command that installs; grammar/shared.ts declares them. */
export interface WantedOptions {
  requirement: string[];
  constraint: string[];
  editable: string[];
  indexUrl?: string;
  extraIndexUrl: string[];
  findLinks: string[];
  trustedHost: string[];
  index: boolean;
  pre?: boolean;
  deps: boolean;
  resolver: 'pip' | 'uv';
}

export type IndexOptions = Pick<
  WantedOptions,
  'indexUrl' | 'extraIndexUrl' | 'findLinks' | 'trustedHost' | 'index'
>;

export function wantedFrom(requirements: readonly string[], options: WantedOptions): Wanted {
  return {
    requirements,
    requirementFiles: options.requirement,
    constraintFiles: options.constraint,
    editables: options.editable,
    indexArgs: indexArgs(options),
    allowsPrereleases: options.pre === true,
    withDependencies: options.deps,
    resolver: options.resolver,
  };
}

/** The options that pip and uv take under the same names. */
export function indexArgs(options: IndexOptions): string[] {
  return [
    ...(options.indexUrl === undefined ? [] : ['--index-url', options.indexUrl]),
    ...repeat('--extra-index-url', options.extraIndexUrl),
    ...repeat('--find-links', options.findLinks),
    ...repeat('--trusted-host', options.trustedHost),
    ...(options.index ? [] : ['--no-index']),
  ];
}

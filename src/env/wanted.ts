/** What the user asks for, before anything is chosen. */
export interface Wanted {
  /** As pip takes them: `numpy`, `django>=5`, `./my.whl`, `git+https://…`. */
  requirements: readonly string[];
  /** Files in pip's format, or one pylock.toml. */
  requirementFiles: readonly string[];
  constraintFiles: readonly string[];
  /** Folders to install in editable mode. */
  editables: readonly string[];
  /** pip's options that say where from: `--index-url`, `--find-links`, …, each with its value. */
  indexArgs: readonly string[];
  allowsPrereleases: boolean;
  /** False for exactly what is named. */
  withDependencies: boolean;
  resolver: 'pip' | 'uv';
}

export const nothingWanted: Wanted = {
  requirements: [],
  requirementFiles: [],
  constraintFiles: [],
  editables: [],
  indexArgs: [],
  allowsPrereleases: false,
  withDependencies: true,
  resolver: 'pip',
};

/** The lock among the files, by its name (PEP 751, "File name"). */
export function lockOf({ requirementFiles }: Wanted): string | undefined {
  return requirementFiles.find((path) => /(^|\/)pylock(\.[^./]+)?\.toml$/.test(path));
}

export function asksForNothing({ requirements, requirementFiles, editables }: Wanted): boolean {
  return requirements.length + requirementFiles.length + editables.length === 0;
}

/** `flag` before each value, as programs take options that may be given several times. */
export function repeat(flag: string, values: readonly string[]): string[] {
  return values.flatMap((value) => [flag, value]);
}

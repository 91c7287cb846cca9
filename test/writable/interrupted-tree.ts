import type { InstalledTree } from '../support/installed-tree.js';

/** What an environment had before, and what it has after an installation that nobody disturbs. */
export interface Expected {
  before: InstalledTree;
  after: InstalledTree;
}

/** Files that pip makes under another name and renames: their content is anything. */
const temporary =
  /(^|\/)(tmp\w+|(INSTALLER|REQUESTED|RECORD|direct_url\.json)\w+\.tmp|[^/]+\.pyc\.\d+|[^/]*\.deleteme)$/;

/** A new RECORD is that of the wheel first, which is in neither tree; pip then puts its own in its place. */
function isOfWheel(path: string, { before, after }: Expected): boolean {
  return path.endsWith('.dist-info/RECORD') && after.has(path) && before.get(path) !== after.get(path);
}

/**
 * Everything in a tree that an installation which was killed could not have left in a plain folder: a file is one of
 * before or of after, whole or a beginning of it, and what the installation does not remove is there unchanged.
 */
export function findImpossible(found: InstalledTree, { before, after }: Expected): string[] {
  const wrong: string[] = [];
  for (const [path, item] of found) {
    if (path.split('/').some((name) => name.startsWith('.wh.'))) wrong.push(`${path}: a whiteout is visible`);
    else if (isOfWheel(path, { before, after })) continue;
    else if (!temporary.test(path) && !isPossible(item, candidates(unstashed(path), before, after)))
      wrong.push(`${path}: ${JSON.stringify(item.slice(0, 200))} is of no state that could be`);
  }
  for (const [path, item] of before)
    if (after.get(path) === item && found.get(path) === undefined && !isOfDistribution(path, before, after))
      wrong.push(`${path}: is not there, and nobody removes it`);
  return wrong;
}

/** pip renames what it removes to names that begin with a tilde, of which it leaves out letters. */
function unstashed(path: string): RegExp | string {
  if (!path.split('/').some((name) => name.startsWith('~'))) return path;
  const names = path.split('/').map((name) => {
    const literal = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return name.startsWith('~') ? `[^/]{0,3}${literal(name.replace(/^~+/, ''))}` : literal(name);
  });
  return new RegExp(`^${names.join('/')}$`);
}

function candidates(path: RegExp | string, before: InstalledTree, after: InstalledTree): string[] {
  const items = [before, after].flatMap((tree) =>
    typeof path === 'string'
      ? [tree.get(path)]
      : [...tree].filter(([name]) => path.test(name)).map(([, item]) => item),
  );
  return items.filter((item) => item !== undefined);
}

function isPossible(item: string, allowed: readonly string[]): boolean {
  const [kind, , content] = partsOf(item);
  return allowed.some((other) => {
    const [otherKind, , otherContent] = partsOf(other);
    return kind === otherKind && (kind !== 'file' || otherContent.startsWith(content));
  });
}

/** Kind, mode (which pip sets after a file is written) and content. */
function partsOf(item: string): [string, string, string] {
  const [, kind = '', mode = '', content = ''] = /^(\w+) ?(\S*) ?(.*)$/s.exec(item)!;
  return [kind, mode, content];
}

/** Whether it is of a distribution that the installation replaces: what is of it comes and goes. */
function isOfDistribution(path: string, before: InstalledTree, after: InstalledTree): boolean {
  return replaced(before, after).some((name) => path.includes(name));
}

function replaced(before: InstalledTree, after: InstalledTree): string[] {
  const gone = [...before.keys()].filter((path) => /-[^/]+\.dist-info$/.test(path) && !after.has(path));
  return gone.map((path) => /([^/]+)-[^/-]+\.dist-info$/.exec(path)![1]!);
}

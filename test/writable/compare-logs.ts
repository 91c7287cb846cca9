/** What the client logs: an operation with what it gave, or the whole tree. */
interface Line {
  step: number;
  operation?: string;
  args?: unknown;
  result?: unknown;
  tree?: Record<string, Record<string, unknown>>;
}

/** Beyond so many in one tree it is the same fault again and again. */
const mostOfOneTree = 20;

/**
 * Every operation that gave something else, and every path of the first pair of trees that is not equal: what
 * comes after it is drawn from trees that differ, and tells nothing.
 */
export function compareLogs(first: string, second: string): string[] {
  const [a, b] = [first, second].map((text) => text.trimEnd().split('\n')) as [string[], string[]];
  const differences: string[] = [];
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const [left, right] = [a[index], b[index]];
    if (left === right) continue;
    if (!left || !right)
      return [...differences, `only the ${left ? 'first' : 'second'} goes on: ${left ?? right}`];
    const [one, other] = [JSON.parse(left) as Line, JSON.parse(right) as Line];
    if (one.tree && other.tree) return [...differences, ...compareSurveys(one.tree, other.tree, one.step)];
    differences.push(describeOperation(one, other));
  }
  return differences;
}

function describeOperation(one: Line, other: Line): string {
  const args = [one.args, other.args].map((value) => JSON.stringify(value));
  const said = [one.result, other.result].map((value) => JSON.stringify(value)).join(' and ');
  return `step ${one.step}: ${one.operation} ${args[0]}${args[0] === args[1] ? '' : ` / ${args[1]}`}: ${said}`;
}

export type Survey = Record<string, Record<string, unknown>>;

/** Every path at which two trees differ, with the fields in which they do. */
export function compareSurveys(one: Survey, other: Survey, step?: number): string[] {
  const at = step === undefined ? 'the tree' : `the tree after step ${step}`;
  const differences = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort().flatMap((path) => {
    const [left, right] = [one[path], other[path]];
    if (!left || !right) return [`${at}: ${path}: only in the ${left ? 'first' : 'second'}`];
    const fields = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort();
    return fields
      .filter((field) => JSON.stringify(left[field]) !== JSON.stringify(right[field]))
      .map(
        (field) =>
          `${at}: ${path}: ${field} ${JSON.stringify(left[field])} and ${JSON.stringify(right[field])}`,
      );
  });
  const more = differences.length - mostOfOneTree;
  return more > 0 ? [...differences.slice(0, mostOfOneTree), `${at}: and ${more} more`] : differences;
}

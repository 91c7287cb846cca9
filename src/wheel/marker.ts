import { ShenvError } from '../base/errors.js';
import { normalizeName } from './filename.js';
import { clauseContains, parseClause } from './version.js';

/** The variables whose values an interpreter and its machine give (dependency specifiers specification). */
const markerVariables = [
  'os_name',
  'sys_platform',
  'platform_machine',
  'platform_python_implementation',
  'platform_release',
  'platform_system',
  'platform_version',
  'python_version',
  'python_full_version',
  'implementation_name',
  'implementation_version',
] as const;
export type MarkerVariable = (typeof markerVariables)[number];
export type MarkerEnvironment = Readonly<Record<MarkerVariable, string>>;

/** `extras` and `dependency_groups` are the sets of PEP 751; `extra` is one extra at a time. */
type RequestVariable = 'extra' | 'extras' | 'dependency_groups';

export type MarkerOperand =
  | { kind: 'variable'; name: MarkerVariable | RequestVariable }
  | { kind: 'value'; value: string };

export type MarkerOperator = '===' | '==' | '~=' | '!=' | '<=' | '>=' | '<' | '>' | 'in' | 'not in';

export type Marker =
  | { kind: 'and'; terms: readonly Marker[] }
  | { kind: 'or'; terms: readonly Marker[] }
  | { kind: 'comparison'; left: MarkerOperand; operator: MarkerOperator; right: MarkerOperand };

export interface MarkerRequest {
  extras?: readonly string[];
  dependencyGroups?: readonly string[];
}

const versionVariables: ReadonlySet<string> = new Set([
  'implementation_version',
  'platform_release',
  'python_full_version',
  'python_version',
] satisfies MarkerVariable[]);

const variables: ReadonlyMap<string, MarkerVariable | RequestVariable> = new Map([
  ...[...markerVariables, 'extra' as const, 'extras' as const, 'dependency_groups' as const].map(
    (name) => [name, name] as const,
  ),
  ['os.name', 'os_name'],
  ['sys.platform', 'sys_platform'],
  ['platform.version', 'platform_version'],
  ['platform.machine', 'platform_machine'],
  ['platform.python_implementation', 'platform_python_implementation'],
  ['python_implementation', 'platform_python_implementation'],
]);

const tokenPattern =
  /\s*(?:(?<symbol>[()]|===|==|~=|!=|<=|>=|<|>)|(?<word>[A-Za-z_][\w.]*)|'(?<single>[^'\r\n]*)'|"(?<double>[^"\r\n]*)")/y;
const deepestNesting = 100;

/** Throws REQUIREMENT when `text` is no marker, or nests parentheses more than 100 deep. */
export function parseMarker(text: string): Marker {
  return new MarkerParser(text).parse();
}

/**
 * Whether `marker` holds in `environment`, as packaging 26 evaluates it. With extras it is evaluated for
 * one at a time and holds when it does for any, as pip has it; without, `extra` is the empty text.
 * What packaging raises an error for (`os_name ~= 'posix'`, `extras == 'x'`) does not hold.
 */
export function markerHolds(
  marker: Marker,
  environment: MarkerEnvironment,
  { extras = [], dependencyGroups = [] }: MarkerRequest = {},
): boolean {
  const wanted = extras.map(normalizeName);
  const sets = { extras: wanted, dependency_groups: dependencyGroups.map(normalizeName) };
  return (wanted.length === 0 ? [''] : wanted).some((extra) => holds(marker, { environment, extra, sets }));
}

interface Scope {
  environment: MarkerEnvironment;
  extra: string;
  sets: Readonly<Record<'extras' | 'dependency_groups', readonly string[]>>;
}

function holds(marker: Marker, scope: Scope): boolean {
  if (marker.kind === 'and') return marker.terms.every((term) => holds(term, scope));
  if (marker.kind === 'or') return marker.terms.some((term) => holds(term, scope));
  const { left, operator, right } = marker;
  if (isSet(left)) return false;
  if (isSet(right)) return setHolds(textOf(left, scope), operator, scope.sets[right.name]);
  const [a, b] = [textOf(left, scope), textOf(right, scope)];
  if (isNamed(left, 'extra') || isNamed(right, 'extra')) {
    return textHolds(normalizeName(a), operator, normalizeName(b));
  }
  const clause = isVersion(left) || isVersion(right) ? parseClause(`${operator}${b}`) : undefined;
  return clause ? clauseContains(clause, a) : textHolds(a, operator, b);
}

function setHolds(value: string, operator: MarkerOperator, set: readonly string[]): boolean {
  if (operator === 'in') return set.includes(normalizeName(value));
  return operator === 'not in' && !set.includes(normalizeName(value));
}

/** Texts have no order: `<=` and `>=` hold for equal ones, `<` and `>` never. */
function textHolds(left: string, operator: MarkerOperator, right: string): boolean {
  switch (operator) {
    case '==':
    case '===':
    case '<=':
    case '>=':
      return left === right;
    case '!=':
      return left !== right;
    case 'in':
      return right.includes(left);
    case 'not in':
      return !right.includes(left);
    default:
      return false;
  }
}

function textOf(operand: MarkerOperand, { environment, extra }: Scope): string {
  if (operand.kind === 'value') return operand.value;
  if (operand.name === 'extra') return extra;
  return environment[operand.name as MarkerVariable];
}

function isNamed(operand: MarkerOperand, name: RequestVariable): boolean {
  return operand.kind === 'variable' && operand.name === name;
}

function isSet(
  operand: MarkerOperand,
): operand is { kind: 'variable'; name: 'extras' | 'dependency_groups' } {
  return isNamed(operand, 'extras') || isNamed(operand, 'dependency_groups');
}

function isVersion(operand: MarkerOperand): boolean {
  return operand.kind === 'variable' && versionVariables.has(operand.name);
}

interface Token {
  kind: 'symbol' | 'word' | 'value' | 'end';
  text: string;
  at: number;
}

/** Recursive descent; `and` binds closer than `or`. Hand-written: a grammar package would be 1 MB for this. */
class MarkerParser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = this.#tokenize();
  }

  parse(): Marker {
    const marker = this.#either(0);
    if (this.#token.kind !== 'end') throw this.#refuse('and, or or the end');
    return marker;
  }

  #tokenize(): Token[] {
    const tokens: Token[] = [];
    const pattern = new RegExp(tokenPattern);
    const end = this.#text.trimEnd().length;
    while (pattern.lastIndex < end) {
      const at = pattern.lastIndex;
      const groups = pattern.exec(this.#text)?.groups;
      if (!groups) throw this.#refuse('a variable, a quoted text or an operator', at);
      if (groups.symbol !== undefined) tokens.push({ kind: 'symbol', text: groups.symbol, at });
      else if (groups.word !== undefined) tokens.push({ kind: 'word', text: groups.word, at });
      else tokens.push({ kind: 'value', text: groups.single ?? groups.double ?? '', at });
    }
    tokens.push({ kind: 'end', text: '', at: end });
    return tokens;
  }

  get #token(): Token {
    return this.#tokens[this.#next]!;
  }

  #take(kind: 'symbol' | 'word', text: string): boolean {
    const found = this.#token.kind === kind && this.#token.text === text;
    if (found) this.#next += 1;
    return found;
  }

  #either(depth: number): Marker {
    const terms = [this.#both(depth)];
    while (this.#take('word', 'or')) terms.push(this.#both(depth));
    return terms.length === 1 ? terms[0]! : { kind: 'or', terms };
  }

  #both(depth: number): Marker {
    const terms = [this.#atom(depth)];
    while (this.#take('word', 'and')) terms.push(this.#atom(depth));
    return terms.length === 1 ? terms[0]! : { kind: 'and', terms };
  }

  #atom(depth: number): Marker {
    if (!this.#take('symbol', '(')) {
      return {
        kind: 'comparison',
        left: this.#operand(),
        operator: this.#operator(),
        right: this.#operand(),
      };
    }
    if (depth === deepestNesting) throw this.#refuse('fewer parentheses');
    const marker = this.#either(depth + 1);
    if (!this.#take('symbol', ')')) throw this.#refuse(')');
    return marker;
  }

  #operand(): MarkerOperand {
    const { kind, text } = this.#token;
    const name = kind === 'word' ? variables.get(text) : undefined;
    if (name === undefined && kind !== 'value') throw this.#refuse('a variable or a quoted text');
    this.#next += 1;
    return name === undefined ? { kind: 'value', value: text } : { kind: 'variable', name };
  }

  #operator(): MarkerOperator {
    if (this.#take('word', 'in')) return 'in';
    if (this.#take('word', 'not') && this.#take('word', 'in')) return 'not in';
    const { kind, text } = this.#token;
    if (kind !== 'symbol' || text === '(' || text === ')') throw this.#refuse('an operator');
    this.#next += 1;
    return text as MarkerOperator;
  }

  #refuse(wanted: string, at = this.#token.at): ShenvError {
    const found = this.#text.slice(at).trim();
    const place = found === '' ? 'at its end' : `before '${found}'`;
    return new ShenvError('REQUIREMENT', `'${this.#text.trim()}' is no marker: ${wanted} expected ${place}`, {
      hint: "A marker reads like python_version < '3.11' and extra == 'test' (PEP 508).",
      expected: wanted,
      found,
    });
  }
}

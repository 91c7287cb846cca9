import { parse, stringify, type TomlTable } from 'smol-toml';

export type { TomlTable };

/** Throws an Error whose message begins with one line of reason. */
export const parseToml: (text: string) => TomlTable = parse;
export const formatToml: (table: TomlTable) => string = stringify;

/** Reads fields of a table; what is of another type is refused with the error that `refuse` makes of the rule. */
export class TableReader {
  readonly #table: TomlTable;
  readonly #refuse: (rule: string) => Error;
  readonly #place: string;

  constructor(table: TomlTable, refuse: (rule: string) => Error, place = '') {
    this.#table = table;
    this.#refuse = refuse;
    this.#place = place;
  }

  invalid(rule: string): Error {
    return this.#refuse(this.#place === '' ? rule : `${rule} (in ${this.#place})`);
  }

  text(key: string): string | undefined {
    const value = this.#table[key];
    if (value === undefined || typeof value === 'string') return value;
    throw this.invalid(`'${key}' is no text`);
  }

  required(key: string): string {
    const value = this.text(key);
    if (value === undefined) throw this.invalid(`'${key}' is missing`);
    return value;
  }

  flag(key: string): boolean {
    const value = this.#table[key] ?? false;
    if (typeof value === 'boolean') return value;
    throw this.invalid(`'${key}' is neither true nor false`);
  }

  texts(key: string): string[] {
    return this.optionalTexts(key) ?? [];
  }

  optionalTexts(key: string): string[] | undefined {
    const value = this.#table[key];
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    throw this.invalid(`'${key}' is no list of texts`);
  }

  table(key: string): TableReader | undefined {
    const value = this.#table[key];
    if (value === undefined) return undefined;
    if (!isTable(value)) throw this.invalid(`'${key}' is no table`);
    return new TableReader(value, this.#refuse, join(this.#place, key));
  }

  tables(key: string): TableReader[] {
    const value = this.#table[key] ?? [];
    if (!Array.isArray(value) || !value.every(isTable)) throw this.invalid(`'${key}' is no list of tables`);
    return value.map((item, index) => {
      const label = `${key} ${typeof item.name === 'string' ? item.name : index + 1}`;
      return new TableReader(item, this.#refuse, join(this.#place, label));
    });
  }
}

function isTable(value: unknown): value is TomlTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function join(place: string, key: string): string {
  return place === '' ? key : `${place}, ${key}`;
}

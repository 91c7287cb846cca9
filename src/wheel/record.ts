import { refuseWheel } from './refusal.js';

/** One row of a RECORD: path, `algorithm=value` (URL-safe base64, no padding) or '', size in bytes or ''. */
export interface RecordRow {
  path: string;
  hash: string;
  size: string;
}

/**
 * Parses RECORD (RFC 4180 as Python's csv module reads it). Throws WHEEL_RECORD for a malformed row, and
 * for more than `mostRows`.
 */
export function parseRecord(
  text: string,
  recordPath: string,
  mostRows = Number.POSITIVE_INFINITY,
): RecordRow[] {
  const rows: RecordRow[] = [];
  for (const fields of parseCsv(text, recordPath)) {
    if (fields.length === 1 && fields[0] === '') continue;
    if (fields.length > 3 || fields[0] === '') {
      const rule = `${recordPath}: row ${rows.length + 1} is not 'path,hash,size'`;
      throw refuseWheel('WHEEL_RECORD', rule, recordPath);
    }
    if (rows.length >= mostRows) {
      const rule = `${recordPath} has more than ${mostRows} rows, which is far more than the wheel has files`;
      throw refuseWheel('WHEEL_RECORD', rule, recordPath);
    }
    rows.push({ path: fields[0] ?? '', hash: fields[1] ?? '', size: fields[2] ?? '' });
  }
  return rows;
}

function* parseCsv(text: string, recordPath: string): Generator<string[]> {
  let fields: string[] = [];
  let position = 0;
  while (position < text.length) {
    let field = '';
    if (text[position] === '"') {
      const end = closingQuote(text, position + 1);
      if (end < 0) {
        throw refuseWheel('WHEEL_RECORD', `${recordPath} ends inside a quoted field`, recordPath);
      }
      field = text.slice(position + 1, end).replaceAll('""', '"');
      position = end + 1;
    }
    const stop = nextDelimiter(text, position);
    fields.push(field + text.slice(position, stop));
    position = stop + 1;
    if (text[stop] === ',') {
      if (position >= text.length) fields.push('');
      else continue;
    }
    if (text[stop] === '\r' && text[position] === '\n') position += 1;
    yield fields;
    fields = [];
  }
  if (fields.length > 0) yield fields;
}

function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}

function nextDelimiter(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== ',' && text[at] !== '\n' && text[at] !== '\r') at += 1;
  return at;
}

/** Writes rows as Python's csv module does by default: fields quoted where needed, lines ended by CRLF. */
export function formatRecord(rows: Iterable<RecordRow>, lineEnd = '\r\n'): string {
  let text = '';
  for (const row of rows) text += `${quote(row.path)},${quote(row.hash)},${quote(row.size)}${lineEnd}`;
  return text;
}

function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/** `sha256=` and the digest in URL-safe base64 without padding, as RECORD writes it. */
export function recordHash(digest: Uint8Array): string {
  return `sha256=${Buffer.from(digest).toString('base64url')}`;
}

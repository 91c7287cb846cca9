import test from 'ava';
import { formatRecord, parseRecord, type RecordRow, recordHash } from '../../../src/wheel/record.js';
import { refused } from '../../support/refusal.js';

test('rows are path, hash and size', (t) => {
  t.deepEqual(parseRecord('a.py,sha256=x,3\na.dist-info/RECORD,,\n', 'RECORD'), [
    { path: 'a.py', hash: 'sha256=x', size: '3' },
    { path: 'a.dist-info/RECORD', hash: '', size: '' },
  ]);
});

test('CRLF, LF and CR end a row, and a last line may lack its end', (t) => {
  for (const end of ['\r\n', '\n', '\r']) {
    const rows = parseRecord(`a,,1${end}b,,2`, 'RECORD');
    t.deepEqual(
      rows.map(({ path }) => path),
      ['a', 'b'],
      JSON.stringify(end),
    );
  }
});

test('empty lines mean nothing', (t) => {
  t.is(parseRecord('\na,,1\n\n\r\nb,,\n\n', 'RECORD').length, 2);
});

test('a quoted field may hold commas, quotes and line ends', (t) => {
  const [row] = parseRecord('"a,""b""\nc.py",sha256=x,3\n', 'RECORD');
  t.deepEqual(row, { path: 'a,"b"\nc.py', hash: 'sha256=x', size: '3' });
});

test('a row that ends with a comma at the end of the file has an empty last field', (t) => {
  t.deepEqual(parseRecord('a,sha256=x,', 'RECORD'), [{ path: 'a', hash: 'sha256=x', size: '' }]);
});

test('missing hash and size count as empty', (t) => {
  t.deepEqual(parseRecord('a\nb,h\n', 'RECORD'), [
    { path: 'a', hash: '', size: '' },
    { path: 'b', hash: 'h', size: '' },
  ]);
});

test('parsing what was formatted gives the same rows', (t) => {
  const odd = [
    'plain.py',
    'a,b',
    'say "hi"',
    '"',
    '""',
    'new\nline',
    'cr\rlf\r\n',
    'naïve 日本.txt',
    ' space ',
  ];
  const rows: RecordRow[] = odd.flatMap((path) => [
    { path, hash: 'sha256=abc', size: '10' },
    { path, hash: '', size: '' },
  ]);
  t.deepEqual(parseRecord(formatRecord(rows), 'RECORD'), rows);
});

test("rows are written as Python's csv module writes them", (t) => {
  t.is(formatRecord([{ path: 'a,"b"', hash: 'h', size: '1' }]), '"a,""b""",h,1\r\n');
});

test('a hash is URL-safe base64 without padding', (t) => {
  t.is(recordHash(Buffer.from([0xfb, 0xff, 0xfe])), 'sha256=-__-');
});

for (const [text, says] of [
  ['a,b,c,d\n', 'row 1'],
  ['a,,\n,sha256=x,1\n', 'row 2'],
  ['"a,b,c\n', 'quoted field'],
]) {
  test(`RECORD ${JSON.stringify(text)} is refused`, async (t) => {
    await refused(t, 'WHEEL_RECORD', ['x/RECORD', says!], () => parseRecord(text!, 'x/RECORD'));
  });
}

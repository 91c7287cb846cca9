import test from 'ava';
import { type Marker, type MarkerRequest, markerHolds, parseMarker } from '../../../src/wheel/marker.js';
import { refused } from '../../support/refusal.js';
import { environments } from './requirement-table.js';

const linux = environments[0]!;
const holds = (text: string, request?: MarkerRequest) => markerHolds(parseMarker(text), linux, request);

test('and binds closer than or', (t) => {
  const marker = parseMarker("os_name == 'a' or os_name == 'b' and os_name == 'c'");
  t.is(marker.kind, 'or');
  const [, both] = (marker as Extract<Marker, { kind: 'or' }>).terms;
  t.is(both?.kind, 'and');
});

test('old spellings of variables mean the new ones', (t) => {
  const old = parseMarker("python_implementation == 'CPython'");
  t.deepEqual(old, parseMarker("platform_python_implementation == 'CPython'"));
  t.deepEqual(old, parseMarker("platform.python_implementation == 'CPython'"));
});

test('versions are compared as versions', (t) => {
  t.true(holds("python_version > '3.9'"));
  t.true(holds("'3.9' < python_version"));
  t.true(holds("python_full_version == '3.11.*'"));
  t.true(holds("python_version >= '3.*'"));
});

test('what is no version is never above or below one', (t) => {
  const odd = { ...linux, platform_release: '6.1.0-13-amd64' };
  t.false(markerHolds(parseMarker("platform_release >= '5'"), odd));
  t.false(markerHolds(parseMarker("platform_release < '5'"), odd));
});

test('an extra is compared normalized, and one at a time', (t) => {
  t.true(holds("extra == 'Fast.Json'", { extras: ['fast_json', 'other'] }));
  t.false(holds("extra == 'a' and extra == 'b'", { extras: ['a', 'b'] }));
  t.true(holds("extra != 'a'", { extras: ['a', 'b'] }));
  t.true(holds("extra == ''"));
  t.false(holds("extra == ''", { extras: ['a'] }));
});

test('extras and dependency_groups are sets', (t) => {
  const request = { extras: ['Fast_Json'], dependencyGroups: ['Dev'] };
  t.true(holds("'fast-json' in extras and 'dev' in dependency_groups", request));
  t.true(holds("'other' not in extras", request));
  t.false(holds("'other' in extras or 'fast-json' not in extras", request));
  t.false(holds("'fast-json' in extras"));
  t.false(holds("extras == 'fast-json'", request));
  t.false(holds("'fast' in dependency_groups", request));
});

test('a comparison that means nothing does not hold', (t) => {
  t.false(holds("os_name ~= 'posix'"));
  t.false(holds("python_version ~= '3'"));
});

test('a marker that is no marker is refused with what stands wrong', async (t) => {
  await refused(t, 'REQUIREMENT', ["os_nme == 'x'", "before 'os_nme"], () => parseMarker("os_nme == 'x'"));
  await refused(t, 'REQUIREMENT', ['at its end'], () => parseMarker("os_name == 'x' and"));
});

test('parentheses nest a hundred deep and no deeper', async (t) => {
  const nested = (depth: number) => `${'('.repeat(depth)}os_name == 'posix'${')'.repeat(depth)}`;
  t.true(holds(nested(100)));
  await refused(t, 'REQUIREMENT', ['fewer parentheses'], () => parseMarker(nested(101)));
});

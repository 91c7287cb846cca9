import test from 'ava';
import { describeVerdict, judge, type Sample } from '../../endurance/flatness.js';

const mebibyte = 2 ** 20;

/** A sample a second, of a memory that depends on the time. */
function samplesOf(seconds: number, mebibytes: (second: number) => number): Sample[] {
  return Array.from({ length: seconds }, (_, second) => ({
    seconds: second,
    memoryBytes: mebibytes(second) * mebibyte,
    descriptors: 40,
    threads: 12,
  }));
}

const memoryOf = (samples: Sample[]) => judge(samples)[0]!;

test('what rises while it warms up and then swings is flat', (t) => {
  const swing = (second: number) => (second < 300 ? second / 5 : 60) + 5 * Math.sin(second / 7);
  const verdict = memoryOf(samplesOf(1200, swing));
  t.true(verdict.isFlat, describeVerdict(verdict));
});

test('a leak of 2 MiB a minute is found within 20 minutes, one of 1 MiB by its slope', (t) => {
  t.false(memoryOf(samplesOf(1200, (second) => 100 + second / 30)).isFlat);
  const slow = memoryOf(samplesOf(1200, (second) => 100 + second / 60));
  t.false(slow.isFlat);
  t.is(Math.round(slow.perHour! / mebibyte), 60);
});

test('a short time is not judged by its slope, a very short one not by its memory', (t) => {
  const steep = (second: number) => 100 + second / 60;
  t.deepEqual(
    [memoryOf(samplesOf(300, steep)).isFlat, memoryOf(samplesOf(300, steep)).perHour],
    [true, undefined],
  );
  t.false(memoryOf(samplesOf(300, (second) => 100 + second / 5)).isFlat);
  t.true(memoryOf(samplesOf(60, (second) => 100 + second)).isFlat);
});

test('descriptors and threads are judged too', (t) => {
  const samples = samplesOf(1200, () => 100).map((sample) => ({
    ...sample,
    descriptors: 40 + Math.floor(sample.seconds / 20),
    threads: 12 + Math.floor(sample.seconds / 200),
  }));
  t.deepEqual(
    judge(samples).map(({ quantity, isFlat }) => [quantity, isFlat]),
    [
      ['memoryBytes', true],
      ['descriptors', false],
      ['threads', false],
    ],
  );
});

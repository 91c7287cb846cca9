import test from 'ava';
import { type Rectangle, squarify } from '../../../../src/cli/report/treemap.js';

const area = { x: 10, y: 20, width: 600, height: 400 };
const sizeOf = ({ width, height }: Rectangle) => width * height;
const ratioOf = ({ width, height }: Rectangle) => Math.max(width / height, height / width);

/** A sequence without a clock or a die. */
function weightsOf(count: number): number[] {
  return Array.from({ length: count }, (_, at) => 1 + ((at * 7919) % 1009) ** 2);
}

function overlap(a: Rectangle, b: Rectangle): number {
  const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return across > 0 && down > 0 ? across * down : 0;
}

for (const count of [1, 2, 3, 10, 200]) {
  test(`${count} rectangles are in proportion to their weights, fill the area and do not overlap`, (t) => {
    const weights = weightsOf(count);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const rectangles = squarify(weights, area);
    rectangles.forEach((rectangle, at) => {
      const expected = (weights[at]! / total) * sizeOf(area);
      t.true(Math.abs(sizeOf(rectangle) - expected) < 1e-6 * sizeOf(area), `size of ${at}`);
      t.true(rectangle.x >= area.x - 1e-6 && rectangle.x + rectangle.width <= area.x + area.width + 1e-6);
      t.true(rectangle.y >= area.y - 1e-6 && rectangle.y + rectangle.height <= area.y + area.height + 1e-6);
      for (const other of rectangles.slice(at + 1)) t.true(overlap(rectangle, other) < 1e-3);
    });
  });
}

test('the example of Bruls, Huizing and van Wijk comes out as they draw it', (t) => {
  const found = squarify([6, 6, 4, 3, 2, 2, 1], { x: 0, y: 0, width: 6, height: 4 });
  const rounded = found.map(({ x, y, width, height }) =>
    [x, y, width, height].map((value) => Math.round(value * 100) / 100),
  );
  t.deepEqual(rounded.slice(0, 4), [
    [0, 0, 3, 2],
    [0, 2, 3, 2],
    [3, 0, 1.71, 2.33],
    [4.71, 0, 1.29, 2.33],
  ]);
});

test('equal weights in a square area give nothing longer than two to one', (t) => {
  for (const count of [4, 9, 16, 30]) {
    const rectangles = squarify(Array<number>(count).fill(1), { x: 0, y: 0, width: 300, height: 300 });
    t.true(Math.max(...rectangles.map(ratioOf)) <= 2, String(count));
  }
});

test('rectangles come in the order of their weights, the largest at the top left', (t) => {
  const [small, large] = squarify([1, 9], area);
  t.true(sizeOf(large!) > sizeOf(small!));
  t.deepEqual([large!.x, large!.y], [area.x, area.y]);
});

test('weights that are not positive get nothing, and no area no rectangles', (t) => {
  const [none, all] = squarify([0, 5], area);
  t.is(sizeOf(none!), 0);
  t.is(Math.round(sizeOf(all!)), sizeOf(area));
  t.deepEqual(squarify([], area), []);
  t.deepEqual(squarify([0, 0], area).map(sizeOf), [0, 0]);
  t.deepEqual(squarify([1], { ...area, width: 0 }).map(sizeOf), [0]);
});

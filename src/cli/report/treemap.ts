export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * Cuts `area` into one rectangle for each weight, in proportion to it and as square as it goes: the squarified layout
 * of Bruls, Huizing and van Wijk. The largest are at the left and at the top. Gives the rectangles in the order of the
 * weights; a weight that is not positive gets an empty one. Pure.
 */
export function squarify(weights: readonly number[], area: Rectangle): Rectangle[] {
  const order = weights
    .map((weight, index) => ({ weight, index }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight || a.index - b.index);
  const total = order.reduce((sum, { weight }) => sum + weight, 0);
  const result = weights.map(() => ({ x: area.x, y: area.y, width: 0, height: 0 }));
  if (total === 0 || area.width <= 0 || area.height <= 0) return result;
  const scale = (area.width * area.height) / total;
  const sizes = order.map(({ weight }) => weight * scale);
  let rest = area;
  for (let start = 0; start < sizes.length; ) {
    const side = Math.min(rest.width, rest.height);
    const end = endOfRow(sizes, start, side);
    const isLast = end === sizes.length;
    const cut = cutRow(sizes.slice(start, end), rest, isLast);
    cut.row.forEach((rectangle, at) => {
      result[order[start + at]!.index] = rectangle;
    });
    rest = cut.rest;
    start = end;
  }
  return result;
}

/** Takes sizes into the row along `side` for as long as its worst rectangle gets no longer by it. */
function endOfRow(sizes: readonly number[], start: number, side: number): number {
  let sum = sizes[start]!;
  let worst = longest(sizes[start]!, sizes[start]!, sum, side);
  let end = start + 1;
  while (end < sizes.length) {
    const next = longest(sizes[start]!, sizes[end]!, sum + sizes[end]!, side);
    if (next > worst) break;
    worst = next;
    sum += sizes[end]!;
    end += 1;
  }
  return end;
}

/** The greatest ratio of sides among rectangles from `smallest` to `largest` in a row of `sum` along `side`. */
function longest(largest: number, smallest: number, sum: number, side: number): number {
  const square = side * side;
  return Math.max((square * largest) / (sum * sum), (sum * sum) / (square * smallest));
}

/** A row along the shorter side of `area`; the last one takes all that is left, whatever rounding has lost. */
function cutRow(
  sizes: readonly number[],
  area: Rectangle,
  isLast: boolean,
): { row: Rectangle[]; rest: Rectangle } {
  const { x, y, width, height } = area;
  const sum = sizes.reduce((total, size) => total + size, 0);
  const isColumn = width >= height;
  const side = isColumn ? height : width;
  const thickness = isLast ? Math.max(width, height) : sum / side;
  let offset = 0;
  const row = sizes.map((size) => {
    const length = (size / sum) * side;
    const at = offset;
    offset += length;
    return isColumn
      ? { x, y: y + at, width: thickness, height: length }
      : { x: x + at, y, width: length, height: thickness };
  });
  const rest = isColumn
    ? { x: x + thickness, y, width: width - thickness, height }
    : { x, y: y + thickness, width, height: height - thickness };
  return { row, rest };
}

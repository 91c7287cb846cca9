import type { Random } from '../faults/random.js';

/** A whole number from 0 to `below`, that one left out. */
export function drawNumber(random: Random, below: number): number {
  return Math.floor(random() * below);
}

export function drawItem<T>(random: Random, items: readonly T[]): T {
  return items[drawNumber(random, items.length)]!;
}

export function chance(random: Random, probability: number): boolean {
  return random() < probability;
}

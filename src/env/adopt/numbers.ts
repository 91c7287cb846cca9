const payloadBits = 7n;
const payloadMask = 0x7fn;
const moreFlag = 0x80;

/** Each as its difference from the one before: zigzag, seven bits a byte, the lowest first. Pure. */
export function writeNumbers(numbers: readonly bigint[]): Buffer {
  const bytes: number[] = [];
  let before = 0n;
  for (const number of numbers) {
    const difference = number - before;
    before = number;
    let rest = difference < 0n ? -difference * 2n - 1n : difference * 2n;
    while (rest > payloadMask) {
      bytes.push(Number(rest & payloadMask) | moreFlag);
      rest >>= payloadBits;
    }
    bytes.push(Number(rest));
  }
  return Buffer.from(bytes);
}

/** What `writeNumbers` has written. Pure. */
export function readNumbers(data: Buffer): bigint[] {
  const numbers: bigint[] = [];
  let before = 0n;
  let [value, shift] = [0n, 0n];
  for (const byte of data) {
    value |= (BigInt(byte) & payloadMask) << shift;
    shift += payloadBits;
    if ((byte & moreFlag) !== 0) continue;
    before += (value & 1n) === 1n ? -(value + 1n) / 2n : value / 2n;
    numbers.push(before);
    [value, shift] = [0n, 0n];
  }
  return numbers;
}

/** Run as a process of its own: claims numbers of a folder one after the other and prints them. */
import { claimNumber } from '../../src/base/claims.js';

const [folder = '', count = '1'] = process.argv.slice(2);
const numbers: number[] = [];
for (let done = 0; done < Number(count); done += 1) numbers.push(await claimNumber(folder, () => 1));
process.stdout.write(JSON.stringify(numbers));

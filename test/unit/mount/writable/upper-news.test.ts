import test from 'ava';
import { UpperNews } from '../../../../src/mount/writable/upper-news.js';

/** Writes down what a session is told. */
class Told {
  readonly calls: string[] = [];

  invalidateEntry(folder: bigint, name: string): void {
    this.calls.push(`entry ${folder} ${name}`);
  }

  invalidateInode(inode: bigint): void {
    this.calls.push(`inode ${inode}`);
  }

  markChanged(inode: bigint): void {
    this.calls.push(`changed ${inode}`);
  }

  clearChanged(inode: bigint): void {
    this.calls.push(`unchanged ${inode}`);
  }

  dropBacking(inode: bigint): void {
    this.calls.push(`no backing ${inode}`);
  }

  setOrphan(inode: bigint): void {
    this.calls.push(`orphan ${inode}`);
  }

  probeForget(inode: bigint): void {
    this.calls.push(`asked after ${inode}`);
  }

  watchForget(inode: bigint): void {
    this.calls.push(`watched ${inode}`);
  }
}

test('what came before the session is told when it comes, once each, and what was taken back is not', (t) => {
  const news = new UpperNews();
  const told = new Told();
  news.changed(1n);
  news.changed(1n);
  news.changed(2n);
  news.restored(2n);
  news.orphaned(3n);
  news.orphaned(4n);
  news.forgotten(4n);
  news.outdated([5n], 'name');
  news.merged(6n);
  news.tell(told);
  t.deepEqual(told.calls, ['changed 1', 'orphan 3', 'watched 3']);
});

test('a session that comes in the place of another is told all that holds still', (t) => {
  const news = new UpperNews();
  news.tell(new Told());
  news.changed(1n);
  news.orphaned(2n);
  const next = new Told();
  news.tell(next);
  news.changed(3n);
  t.deepEqual(next.calls, ['changed 1', 'orphan 2', 'watched 2', 'changed 3']);
});

test('what is given up is answered from the view again: without a descriptor, and the kernel asks anew', (t) => {
  const news = new UpperNews();
  const told = new Told();
  news.tell(told);
  news.restored(7n);
  t.deepEqual(told.calls, ['unchanged 7', 'no backing 7', 'inode 7']);
});

test('an outdated name is forgotten in its folder under all numbers of it, and the folder once for all names', async (t) => {
  const news = new UpperNews();
  const told = new Told();
  news.tell(told);
  news.outdated([1n, 2n], 'a.py');
  news.outdated([1n], 'b.py');
  await news.sweep(async () => undefined);
  t.deepEqual(told.calls, ['entry 1 a.py', 'entry 2 a.py', 'entry 1 b.py', 'inode 1', 'inode 2']);
});

test('what has lost its name is watched; the descriptor goes when it is forgotten', (t) => {
  const news = new UpperNews();
  const told = new Told();
  news.tell(told);
  news.orphaned(1n);
  news.forgotten(1n);
  t.deepEqual(told.calls, ['orphan 1', 'watched 1', 'no backing 1']);
});

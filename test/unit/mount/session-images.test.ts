import test from 'ava';
import type { Image } from '../../../src/image/read.js';
import type { NativeImage, NativeSession } from '../../../src/mount/native-addon.js';
import { PastImages } from '../../../src/mount/past-images.js';
import { SessionImages } from '../../../src/mount/session-images.js';

const most = 3;

/** Of a native session what images need; it has no image whose path is in `gone`. */
class FakeSession implements Pick<NativeSession, 'addImage' | 'renewImage' | 'dropImage' | 'inheritImages'> {
  readonly held = new Map<number, NativeImage>();
  readonly gone = new Set<string>();
  inherited: readonly number[] = [];
  /** Dropped while nobody would have asked for them again. */
  readonly lost: number[] = [];

  addImage(image: NativeImage): void {
    if (this.gone.has(image.path)) throw new Error('ENOENT');
    if (!this.held.has(image.serial)) this.held.set(image.serial, image);
  }

  renewImage(image: NativeImage): void {
    this.held.set(image.serial, image);
  }

  dropImage(serial: number): void {
    if (!this.inherited.includes(serial)) this.lost.push(serial);
    this.held.delete(serial);
  }

  inheritImages(serials: readonly number[]): void {
    this.inherited = serials;
  }
}

function imagesOf(inherited: readonly NativeImage[] = []) {
  const session = new FakeSession();
  const options = { inherited, onExpired: () => undefined, mostUnshown: most };
  return { session, images: new SessionImages(session as unknown as NativeSession, options) };
}

function image(serial: number, base?: Image): Image {
  const meta = { name: 'demo', version: `${serial}` };
  return { serial, path: `/store/${serial}.img`, base, meta, wheelDigest: 'x' } as unknown as Image;
}

test('a session has the images that are shown and a few that were shown last, however many there were', (t) => {
  const { session, images } = imagesOf();
  const lasting = [image(1), image(2)];
  images.add(lasting);
  images.show(lasting, []);
  let before: Image[] = [];
  for (let serial = 10; serial < 200; serial += 2) {
    const next = [image(serial), image(serial + 1), image(2)];
    images.add(next);
    images.show(next, before);
    before = next;
  }
  images.show([], before);
  t.deepEqual([...session.held.keys()], [1, 2, 197, 198, 199]);
  t.deepEqual(session.lost, []);
});

test('an image is shown as long as one of several views shows it', (t) => {
  const { session, images } = imagesOf();
  for (const serials of [
    [1, 2],
    [1, 3],
  ]) {
    const layers = serials.map((serial) => image(serial));
    images.add(layers);
    images.show(layers, []);
  }
  const others = [4, 5, 6, 7].map((serial) => image(serial));
  images.show([], [image(1), image(2)]);
  images.add(others);
  images.show(others, []);
  images.show([], others);
  t.deepEqual([...session.held.keys()], [1, 3, 5, 6, 7]);
});

test('files of an image that is shown no more are found again by its serial and by that of its base', (t) => {
  const { session, images } = imagesOf([{ serial: 90, path: '/store/90.img', origin: 'x' }]);
  const layers = [image(1, image(50)), ...[2, 3, 4].map((serial) => image(serial))];
  images.add(layers);
  images.show(layers, []);
  t.false(images.recall(50));
  images.show([], layers);
  t.deepEqual([...session.held.keys()], [2, 3, 4]);
  t.deepEqual([...session.inherited], [90, 1, 50]);
  t.true(images.recall(50) && images.recall(90));
  t.deepEqual([...session.held.keys()], [2, 3, 4, 1, 90]);
  t.false(images.recall(60));
});

test('an image whose file is gone is not found again', (t) => {
  const { session, images } = imagesOf();
  const layers = [1, 2, 3, 4].map((serial) => image(serial));
  images.add(layers);
  images.show(layers, []);
  images.show([], layers);
  session.gone.add('/store/1.img');
  t.false(images.recall(1));
  t.deepEqual([...session.held.keys()], [2, 3, 4]);
});

test('what was shown last before a time is forgotten then, but not what was shown since', (t) => {
  const past = new PastImages();
  const place = (serial: number) => ({ serial, path: `/store/${serial}.img`, origin: 'x' });
  past.add({ ...place(1), base: place(50) }, 1000);
  past.add({ ...place(2), base: place(50) }, 1000);
  past.add({ ...place(1), base: place(50) }, 2000);
  t.deepEqual(past.expire(1000), []);
  t.deepEqual(past.expire(2000), ['/store/2.img']);
  t.deepEqual(past.serials, [50, 1]);
  t.deepEqual(
    past.of(50).map(({ serial }) => serial),
    [1],
  );
  t.deepEqual(past.expire(2001), ['/store/1.img']);
  t.deepEqual(past.serials, []);
});

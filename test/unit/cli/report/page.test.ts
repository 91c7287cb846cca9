import test from 'ava';
import { classOf, drawMap } from '../../../../src/cli/report/map.js';
import type { ReportedImage, StoreReport } from '../../../../src/cli/report/model.js';
import { renderPage } from '../../../../src/cli/report/page.js';
import { escapeText, textWidth } from '../../../../src/cli/report/text.js';

const hostile = `"><script>alert('x')</script>&amp;<b>`;

function imageOf(change: Partial<ReportedImage> = {}): ReportedImage {
  return {
    distribution: 'sample',
    version: '1.0',
    bytes: 4096,
    bytecode: 0,
    users: ['web'],
    fileName: 'py3-none-any-0123456789abcdef.img',
    ...change,
  };
}

function reportOf(images: ReportedImage[], change: Partial<StoreReport> = {}): StoreReport {
  const totals = {
    images: 0,
    bytecode: 0,
    exclusive: 0,
    shared: 0,
    unused: 0,
    current: 0,
    shows: 0,
    sharingFactor: 1,
  };
  return {
    store: '/srv/store',
    atMs: 0,
    totals,
    storeBytes: 0,
    imageCount: images.length,
    distributions: images.map((image) => ({
      name: image.distribution,
      bytes: image.bytes,
      images: [image],
    })),
    environments: [],
    gaps: [],
    ...change,
  };
}

/** The element names of a page with the number of those that are open at the end. */
function tagsOf(page: string): { names: Set<string>; open: number } {
  const body = page.replace(/<style>.*<\/style>/s, '');
  const names = new Set<string>();
  let open = 0;
  for (const [, closing, name, ending] of body.matchAll(/<(\/?)([a-z0-9]+)\b[^<>]*?(\/?)>/gi)) {
    names.add(name!);
    if (closing) open -= 1;
    else if (!ending && name !== 'meta') open += 1;
  }
  return { names, open };
}

test('names, versions, paths and titles cannot become elements or attributes', (t) => {
  const image = imageOf({
    distribution: hostile,
    version: hostile,
    users: [hostile],
    fileName: hostile,
    bytes: 2 ** 30,
  });
  const unused = imageOf({ distribution: hostile, version: hostile, users: [] });
  const figures = { generations: 1, shows: 1, own: 1, earlier: 0, shared: 0, frees: 1 };
  const environments = [{ title: hostile, ...figures }];
  const page = renderPage(reportOf([image, unused], { store: hostile, environments, gaps: [hostile] }));
  t.false(page.includes('<script'));
  t.false(page.includes('<b>'));
  const plain = renderPage(reportOf([imageOf(), imageOf({ users: [] })]));
  t.is(tagsOf(page).open, 0);
  t.is(tagsOf(plain).open, 0);
  t.deepEqual(
    [...tagsOf(page).names].filter((name) => ['script', 'b', 'a', 'img'].includes(name)),
    [],
  );
  t.true(page.includes(escapeText(hostile)));
});

test('controls and marks that turn the direction of text are replaced, other letters stay', (t) => {
  t.is(escapeText('a\u0000b\u001bc\u202ed\ud800e'), 'a\ufffdb\ufffdc\ufffdd\ufffde');
  t.is(escapeText('Größe 数 😀\n'), 'Größe 数 😀\n');
});

test('the page refers to nothing outside of itself and allows nothing', (t) => {
  const page = renderPage(reportOf([imageOf()]));
  t.notRegex(page, /https?:|\bsrc=|\bhref=|@import|url\((?!#)/);
  t.regex(page, /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/);
  t.regex(page, /@media print/);
  t.regex(page, /prefers-color-scheme: dark/);
});

test('every pattern that a map refers to is in the page', (t) => {
  const images = [0, 1, 2, 3, 6].map((count) =>
    imageOf({ distribution: `n${count}`, users: Array<string>(count).fill('web') }),
  );
  const page = renderPage(reportOf(images));
  const used = new Set([...page.matchAll(/url\(#(\w+)\)/g)].map(([, id]) => id!));
  t.is(used.size, 3);
  for (const id of used) t.is(page.split(`id="${id}"`).length, 2, id);
});

test('the class of a cell follows from how many environments show it', (t) => {
  t.deepEqual([0, 1, 2, 3, 5, 6, 100].map(classOf), [0, 1, 2, 3, 3, 4, 4]);
});

test('labels stay inside of their cells, and every image has its whole name as title', (t) => {
  const images = Array.from({ length: 60 }, (_, at) =>
    imageOf({ distribution: `${'wide'.repeat(1 + (at % 4))}-${at}`, bytes: 4096 * (1 + at ** 2) }),
  );
  const { distributions } = reportOf(images);
  for (const width of [336, 760, 1240]) {
    const drawn = drawMap(distributions, { name: 'x', width, height: 600 });
    const cells = [...drawn.matchAll(/<g class="c\d">(.*?)<\/g>/gs)].map(([, cell]) => cell!);
    t.is(cells.length, images.length);
    let labelled = 0;
    for (const cell of cells) {
      const [, left, top, across, down] = /x="(.*?)" y="(.*?)" width="(.*?)" height="(.*?)"/
        .exec(cell)!
        .map(Number);
      for (const [, size, x, y, text] of cell.matchAll(/font-size="(.*?)" x="(.*?)" y="(.*?)">(.*?)</g)) {
        t.true(Number(x) + textWidth(text!, Number(size)) <= left! + across! + 0.2, `${text} at ${width}`);
        t.true(Number(y) >= top! && Number(y) <= top! + down!);
        labelled += 1;
      }
    }
    t.true(labelled > 0);
    for (const { distribution } of images) t.true(drawn.includes(`<title>${distribution} 1.0\n`));
  }
});

test('an empty store has a page without a map', (t) => {
  const page = renderPage(reportOf([]));
  t.regex(page, /The store has no images/);
  t.notRegex(page, /<svg/);
});

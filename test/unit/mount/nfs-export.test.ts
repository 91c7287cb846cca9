import test from 'ava';
import { type ExportedMount, exportLines, obstaclesOf } from '../../../src/mount/nfs-export.js';

const identity = { home: '/srv/home', mountpoint: '/srv/venvs', environment: undefined };
const wishes = { clients: ['10.0.0.0/8'], security: 'sys', attributeSeconds: 600 };
const fit: ExportedMount = {
  engine: 'kernel',
  features: ['EXPORT_SUPPORT'],
  uid: 0,
  isOpenToOthers: true,
};

test('an export has the same fsid each time, and another for another home, place or environment', (t) => {
  const { fsid } = exportLines(identity, wishes);
  t.is(exportLines(identity, { ...wishes, clients: ['*'] }).fsid, fsid);
  t.regex(fsid, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const others = [{ home: '/srv/other' }, { mountpoint: '/srv/other' }, { environment: 'web' }];
  const fsids = others.map((other) => exportLines({ ...identity, ...other }, wishes).fsid);
  t.is(new Set([...fsids, fsid]).size, 4);
});

test('the line of exports(5) names each client, and escapes what would end the path', (t) => {
  const { exports, fsid } = exportLines(
    { ...identity, mountpoint: '/srv/our "venvs" #1' },
    { ...wishes, clients: ['a.example.org', '*.example.net'] },
  );
  const options = `(ro,no_subtree_check,fsid=${fsid},sec=sys)`;
  t.is(exports, `/srv/our\\040\\042venvs\\042\\040\\0431 a.example.org${options} *.example.net${options}\n`);
});

test("ganesha's block has a number of its own within 16 bits, and lets the clients read alone", (t) => {
  const { ganesha } = exportLines(identity, wishes);
  const id = Number(/Export_Id = (\d+);/.exec(ganesha)![1]);
  t.true(id > 0 && id < 65_535);
  t.regex(ganesha, /Filesystem_Id = \d+\.\d+;/);
  t.regex(ganesha, /Clients = 10\.0\.0\.0\/8;\n\s+Access_Type = RO;/);
});

test('a client mounts at the same path, quoted for its shell', (t) => {
  const { mount } = exportLines({ ...identity, mountpoint: "/srv/it's" }, { ...wishes, attributeSeconds: 5 });
  t.regex(mount, /^mount -t nfs -o ro,\S+,actimeo=5,lookupcache=all,sec=sys SERVER:'\/srv\/it'\\''s' /);
});

test('what keeps a mount from being exported is told with its remedy', (t) => {
  t.deepEqual(obstaclesOf(fit), []);
  const problems = (change: Partial<ExportedMount>) => obstaclesOf({ ...fit, ...change }).length;
  t.is(problems({ engine: 'fuse-native', features: [] }), 1);
  t.is(problems({ features: [] }), 1);
  t.is(problems({ uid: 1000 }), 1);
  t.is(problems({ isOpenToOthers: false }), 1);
});

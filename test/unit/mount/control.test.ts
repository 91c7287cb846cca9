import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { serveControl } from '../../../src/mount/control.js';
import { eventually } from '../../support/eventually.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const reply = 'x'.repeat(100_000);
const clients = 20;

test('a client that goes away with the answer unread, because it was killed, does not end the daemon', async (t) => {
  const path = join(await temporaryFolder(t), 'control');
  let requests = 0;
  const server = await serveControl(path, async () => {
    requests += 1;
    return reply;
  });
  t.teardown(() => server.close());
  for (let index = 1; index <= clients; index += 1) {
    const socket = connect(path).pause();
    await once(socket, 'connect');
    socket.write('{"operation":"status"}\n');
    await eventually(async () => requests === index, 'the request is answered');
    socket.destroy();
    await once(socket, 'close');
  }
  const last = connect(path);
  last.write('{"operation":"status"}\n');
  let text = '';
  for await (const chunk of last) text += String(chunk);
  t.is((JSON.parse(text) as { ok: string }).ok, reply);
});

test('who waits for a long answer gets signs that it is being worked on', async (t) => {
  const path = join(await temporaryFolder(t), 'control');
  const finish = new AbortController();
  const server = await serveControl(path, () => once(finish.signal, 'abort').then(() => undefined), 1);
  t.teardown(() => server.close());
  const client = connect(path).setEncoding('utf8');
  client.write('{"operation":"reload"}\n');
  let text = '';
  for await (const chunk of client) {
    text += String(chunk);
    if (text.length >= 3) finish.abort();
  }
  t.regex(text, /^ {3,}\{/);
  t.deepEqual(JSON.parse(text), { ok: null });
});

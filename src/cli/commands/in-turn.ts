import { createServer, type Server } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { sha256 } from '../../base/digest.js';
import { systemErrorCode } from '../../base/errors.js';

const retryMs = 25;
const patienceMs = 60_000;

/**
 * Does `work` while no other process of this user on this host does work of the same name; what
 * `work` finds may have been done by the one before. After a minute it goes on without its turn.
 *
 * The claim is a socket in Linux's abstract namespace (unix(7)): it ends with its process, so none is
 * ever left behind.
 */
export async function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
  const address = `\0shenv-fs-${process.getuid?.()}-${sha256(Buffer.from(name)).slice(0, 32)}`;
  const endMs = Date.now() + patienceMs;
  let claim = await tryListen(address);
  while (claim === undefined && Date.now() < endMs) {
    await wait(retryMs);
    claim = await tryListen(address);
  }
  try {
    return await work();
  } finally {
    claim?.close();
  }
}

function tryListen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => {
      if (systemErrorCode(error) === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(address, () => resolve(server));
  });
}

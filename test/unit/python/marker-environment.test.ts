import test from 'ava';
import { run } from '../../../src/base/run.js';
import { markerEnvironment } from '../../../src/python/marker-environment.js';
import { anyInterpreter } from '../../support/interpreters.js';

const script = `
import json, sys
sys.path.insert(0, sys.argv[1])
from pip._vendor.packaging.markers import default_environment
print(json.dumps(default_environment()))
`;

test('the marker environment is the default environment of packaging', async (t) => {
  const probe = await anyInterpreter();
  const args = ['-I', '-B', '-c', script, probe.ensurepipWheel!];
  const { status, stdout, stderr } = await run(probe.executable, args);
  t.is(status, 0, stderr);
  t.deepEqual({ ...markerEnvironment(probe) }, JSON.parse(stdout));
});

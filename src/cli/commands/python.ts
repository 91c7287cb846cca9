import type { Workspace } from '../../env/workspace.js';
import { listInterpreters } from '../../python/discover.js';
import type { Report } from '../render.js';
import { formatTable } from '../table.js';

export async function listPythons(_: Workspace): Promise<Report> {
  const found = await listInterpreters();
  const data = found.map(({ version, baseExecutable, pipVersion }) => ({
    version,
    executable: baseExecutable,
    pip: pipVersion,
  }));
  const rows = data.map(({ version, executable, pip }) => [version, executable, pip ?? '-']);
  return { data, text: formatTable(['VERSION', 'EXECUTABLE', 'PIP'], rows) };
}

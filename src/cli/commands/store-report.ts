import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { accountStore } from '../../env/store-accounts.js';
import type { Workspace } from '../../env/workspace.js';
import { byDistribution } from '../../store/accounting.js';
import { formatBytes, plural, type Report } from '../render.js';
import { reportOf } from '../report/model.js';
import { renderPage } from '../report/page.js';
import { accountsData } from './store-du.js';
import { firstStoreLines } from './store-usage.js';

/** `store report`: the figures of `store du` as a page. */
export async function writeStoreReport(workspace: Workspace, options: { html: string }): Promise<Report> {
  const accounts = await accountStore(workspace);
  const path = resolve(options.html);
  const page = renderPage(reportOf(accounts, workspace.places.store, Date.now()));
  await writeFile(path, page);
  const figures = accountsData(accounts, accounts.environments, byDistribution(accounts.images));
  const what = `${plural(accounts.images.length, 'image')}, ${formatBytes(accounts.totals.images)}`;
  const lines = [`Wrote ${path}: ${what}`, ...firstStoreLines(workspace.store)];
  return { data: { path, ...figures }, text: lines.join('\n') };
}

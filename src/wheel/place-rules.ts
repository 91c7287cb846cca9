import { refuseClash } from './archive-rules.js';
import type { ScriptEntryPoint } from './entry-points.js';
import type { WheelLimits } from './limits.js';
import { NameClashes } from './name-clashes.js';
import type { PlannedFile } from './plan.js';
import { refuseWheel } from './refusal.js';

/** What the environment itself has: its interpreter, and what turns it on. */
const ownPrograms =
  /^(?:pythonw?[0-9.]*t?|activate(?:\.(?:bat|csh|fish|nu|ps1|sh|xsh))?|activate_this\.py)$/i;
const ownFolders = /^(?:bin|include|lib|lib64|include\/site|lib\/python[0-9.]+t?(?:\/site-packages)?)$/;
/** What an installer writes into .dist-info for tools to believe; INSTALLER and RECORD it always does. */
const installersFiles = ['direct_url.json', 'REQUESTED'];
const generatedFiles = ['INSTALLER', 'RECORD', ...installersFiles];

/**
 * Checks where the files of a wheel go, and the scripts of its entry points beside them: each to a
 * place of its own, none to one of the environment's or of the installer's. Pure. Throws WHEEL_ENTRY
 * or WHEEL_ENTRY_POINT, naming file and rule.
 */
export function checkPlaces(
  distInfo: string,
  files: readonly PlannedFile[],
  entryPoints: readonly ScriptEntryPoint[],
  limits: WheelLimits,
): void {
  const names = new NameClashes();
  let caseClashes = 0;
  const binFolders = new Set<string>();
  for (const file of files) {
    const place = placeOf(file);
    const rule = environmentRule(place) ?? distInfoRule(place, file.source, distInfo);
    if (rule !== undefined) throw refuseWheel('WHEEL_ENTRY', `'${file.source}' ${rule}`, file.source);
    const [top, below, ...deeper] = place.split('/');
    if (top === 'bin' && below !== undefined && deeper.length > 0) binFolders.add(below);
    const clash = names.addFile(place);
    if (clash?.kind === 'case' && caseClashes < limits.caseClashes) caseClashes += 1;
    else if (clash) throw refuseClash(distInfo, file.source, clash, limits);
  }
  for (const { name } of entryPoints) {
    const rule = ownPrograms.test(name)
      ? "has the name of one of the environment's own programs"
      : binFolders.has(name)
        ? 'has the name of a folder beside it'
        : undefined;
    if (rule === undefined) continue;
    const path = `${distInfo}/entry_points.txt`;
    throw refuseWheel('WHEEL_ENTRY_POINT', `${path}: script '${name}' ${rule}`, path);
  }
}

const sitePackages = /^lib(?:64)?\/python[0-9.]+t?\/site-packages\//;

/** The place in an environment: `site/…`, or relative to its root; one place has one spelling. */
function placeOf({ scheme, path }: PlannedFile): string {
  if (scheme === 'data') return path.replace(sitePackages, 'site/').replace(/^lib64\//, 'lib/');
  return `${scheme}/${path}`;
}

function environmentRule(place: string): string | undefined {
  if (place === 'pyvenv.cfg') return "would replace the environment's configuration";
  if (ownFolders.test(place)) return 'is a file where the environment has a folder';
  if (place.startsWith('bin/') && ownPrograms.test(place.slice('bin/'.length).split('/')[0]!)) {
    return "would replace one of the environment's own programs";
  }
  return undefined;
}

function distInfoRule(place: string, source: string, distInfo: string): string | undefined {
  const [scheme, top = '', name = '', ...deeper] = place.split('/');
  if (scheme !== 'site' || !top.toLowerCase().endsWith('.dist-info')) return undefined;
  if (top !== distInfo) return 'brings the .dist-info of another distribution';
  if (!source.startsWith(`${distInfo}/`)) return 'reaches into .dist-info through .data';
  if (installersFiles.includes(name)) return 'is what the installer alone may write';
  if (generatedFiles.includes(name) && deeper.length > 0)
    return 'makes a folder of what the installer writes';
  return undefined;
}

import { ShenvError } from '../base/errors.js';

/** One console or gui script of entry_points.txt (entry points specification, "Use for scripts"). */
export interface ScriptEntryPoint {
  name: string;
  module: string;
  /** Dotted attribute of the module that the script calls. */
  attribute: string;
  gui: boolean;
}

const objectPattern = /^([\p{L}_][\p{L}\p{N}_.]*)\s*:\s*([\p{L}_][\p{L}\p{N}_.]*)\s*(?:\[[^\]]*\])?$/u;

/** Throws WHEEL_ENTRY_POINT for a script without `module:attribute` or with a name that leaves `bin`. */
export function parseScriptEntryPoints(text: string, path: string): ScriptEntryPoint[] {
  const scripts = new Map<string, ScriptEntryPoint>();
  for (const { section, name, value } of iniEntries(text)) {
    if (section !== 'console_scripts' && section !== 'gui_scripts') continue;
    if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
      throw invalid(`script name '${name}' is not a file name`, path);
    }
    const match = objectPattern.exec(value);
    if (!match) throw invalid(`script '${name}' names no 'module:attribute': '${value}'`, path);
    const [, module = '', attribute = ''] = match;
    scripts.set(name, { name, module, attribute, gui: section === 'gui_scripts' });
  }
  return [...scripts.values()];
}

function* iniEntries(text: string): Generator<{ section: string; name: string; value: string }> {
  let section = '';
  for (const raw of text.split(/\r\n|\n|\r/)) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    if (line.startsWith('[') && line.endsWith(']')) {
      section = line.slice(1, -1).trim();
      continue;
    }
    const equals = line.indexOf('=');
    if (equals < 0) continue;
    const value = line.slice(equals + 1).replace(/\s[#;].*$/, '');
    yield { section, name: line.slice(0, equals).trim(), value: value.trim() };
  }
}

function invalid(rule: string, path: string): ShenvError {
  return new ShenvError('WHEEL_ENTRY_POINT', `${path}: ${rule}`, {
    hint: 'Script entry points read name = module:attribute; ask the publisher for a mended wheel.',
    path,
  });
}

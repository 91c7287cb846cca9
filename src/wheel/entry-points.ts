import { defaultLimits, type WheelLimits } from './limits.js';
import { refuseOverLimit, refuseWheel } from './refusal.js';

/** One console or gui script of entry_points.txt (entry points specification, "Use for scripts"). */
export interface ScriptEntryPoint {
  name: string;
  module: string;
  /** Dotted attribute of the module that the script calls. */
  attribute: string;
  gui: boolean;
}

const objectPattern = /^([\p{L}_][\p{L}\p{N}_.]*)\s*:\s*([\p{L}_][\p{L}\p{N}_.]*)\s*(?:\[[^\]]*\])?$/u;

/** Throws WHEEL_ENTRY_POINT for a script without `module:attribute` or with a name that is no file's. */
export function parseScriptEntryPoints(
  text: string,
  path: string,
  limits: WheelLimits = defaultLimits,
): ScriptEntryPoint[] {
  const scripts = new Map<string, ScriptEntryPoint>();
  for (const { section, name, value } of iniEntries(text)) {
    if (section !== 'console_scripts' && section !== 'gui_scripts') continue;
    if (!isFileName(name)) throw invalid(`script name '${name}' is not a file name`, path);
    const match = objectPattern.exec(value);
    if (!match) throw invalid(`script '${name}' names no 'module:attribute': '${value}'`, path);
    const [, module = '', attribute = ''] = match;
    scripts.set(name, { name, module, attribute, gui: section === 'gui_scripts' });
    if (scripts.size > limits.scripts) {
      const rule = `${path} has more than ${limits.scripts} scripts`;
      throw refuseOverLimit('WHEEL_ENTRY_POINT', rule, path, { name: 'scripts', limits });
    }
  }
  return [...scripts.values()];
}

const longestNameBytes = 255;

function isFileName(name: string): boolean {
  if (name === '' || name === '.' || name === '..') return false;
  return !/[/\\\p{Cc}\p{Zl}\p{Zp}]/u.test(name) && Buffer.byteLength(name) <= longestNameBytes;
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
    const comment = line.slice(equals + 1).search(/\s[#;]/);
    const value = line.slice(equals + 1, comment < 0 ? undefined : equals + 1 + comment);
    yield { section, name: line.slice(0, equals).trim(), value: value.trim() };
  }
}

function invalid(rule: string, path: string): Error {
  return refuseWheel('WHEEL_ENTRY_POINT', `${path}: ${rule}`, path, {
    hint: 'Script entry points read name = module:attribute; ask the publisher for a mended wheel.',
  });
}

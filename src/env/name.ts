import { ShenvError } from '../base/errors.js';

/**
 * An environment is a folder of the mount and a part of PATH and of `#!` lines. So its name is what a
 * folder's may be, without the characters that would end one of these, and without `NAME@3`, which
 * means a generation. Throws ENVIRONMENT_NAME naming the rule.
 */
export function checkEnvironmentName(name: string): void {
  const rule = brokenRule(name);
  if (rule === undefined) return;
  throw new ShenvError(
    'ENVIRONMENT_NAME',
    `${JSON.stringify(name)} cannot be an environment's name: ${rule}`,
    {
      hint: 'Choose a name that a folder can have, such as demo or my-project.',
    },
  );
}

function brokenRule(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name === '.' || name === '..') return 'it means a folder that exists';
  if (name === '.shenv') return 'the mount uses it itself';
  if (name.includes('/')) return "it contains '/'";
  if (/[\u0000-\u001f\u007f]/.test(name)) return 'it contains a control character';
  if (name.includes(':')) return "it contains ':', which separates the folders of PATH";
  if (Buffer.from(name).toString() !== name) return 'it is not valid Unicode';
  if (/@\d+$/.test(name)) return "'@' and a number at the end mean a generation";
  if (Buffer.byteLength(name) > 255) return 'it is longer than 255 bytes';
  return undefined;
}

/** Takes `web` or `web@3` apart: an environment, and one of its generations. */
export function parseReference(text: string): { name: string; generation?: number } {
  const [, name, generation] = /^(.*)@(\d+)$/s.exec(text) ?? [];
  return name === undefined ? { name: text } : { name, generation: Number(generation) };
}

/** Text as it stands in HTML and SVG, in contents and in attributes with quotes. Pure. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!).replace(unprintable, '\uFFFD');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
/** Controls, what changes the direction of the text around it, and halves of characters. */
const unprintable =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Width of a text in pixels in a wide, bold sans-serif font of this size: rather too much than too little. Pure. */
export function textWidth(text: string, fontSize: number): number {
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width * fontSize;
}

/** In parts of the font size. */
function widthOf(character: string): number {
  if (/[ijl.,:;'|!]/.test(character)) return 0.37;
  if (/[ftr()[\]\- ]/.test(character)) return 0.47;
  if (/[mwMW@%]/.test(character)) return 1.04;
  if (/[A-Z]/.test(character)) return 0.8;
  return character < '\u007f' ? 0.71 : 1.15;
}

/**
 * Orders keys as object stores list them: by their UTF-8 bytes. JavaScript's own order, by UTF-16 code units, puts
 * astral characters (surrogates, U+D800…DFFF) before U+E000…FFFF, UTF-8 puts them after.
 */
export function compareKeys(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let index = 0; index < shorter; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

function rank(codeUnit: number): number {
  if (codeUnit < 0xd800) return codeUnit;
  return codeUnit < 0xe000 ? codeUnit + 0x2000 : codeUnit - 0x800;
}

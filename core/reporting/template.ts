/** Texts of a document with paths in braces: `Assessment {$.reference}`; `{{` is a brace. */
import { isJsonPath } from "../json-path.ts";

/** A piece of a template: text as it is, or a path whose value stands there. */
type TemplatePiece = { text: string } | { path: string };

const PIECE = /\{\{|\}\}|\{([^{}]*)\}|[^{}]+/y;

/** The pieces in their order; throws on what `unreadTemplate` tells of. */
export function templatePieces(template: string): TemplatePiece[] {
  const pieces: TemplatePiece[] = [];
  for (let at = 0; at < template.length; at = PIECE.lastIndex) {
    PIECE.lastIndex = at;
    const found = PIECE.exec(template);
    if (found === null || (found[1] !== undefined && !isJsonPath(found[1])))
      throw new Error(`${JSON.stringify(template.slice(at))} is no template`);
    pieces.push(found[1] === undefined ? { text: found[0].replace(/^([{}])\1$/, "$1") } : { path: found[1] });
  }
  return pieces;
}

/** Undefined for a good template, else what is wrong with it. */
export function unreadTemplate(template: string): string | undefined {
  try {
    templatePieces(template);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

import { pipeline, Readable } from "node:stream";
import { constants, createGzip, createZstdCompress } from "node:zlib";

/** How a text is packed on its way. */
export type Encoding = "identity" | "gzip" | "zstd";

/** What is liked best comes first: of a whole log the stored frames are sent as they are. */
const OFFERED: readonly Encoding[] = ["zstd", "gzip", "identity"];
const WEIGHT = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/i;

/** By `Accept-Encoding` (RFC 9110 §12.5.3). Pure; without the header nothing is packed. */
export function chooseEncoding(header: string | undefined): Encoding {
  if (header === undefined) return "identity";
  const weights = new Map(header.split(",").map(parsed));
  const weightOf = (encoding: Encoding): number => {
    const weight = weights.get(encoding) ?? weights.get("*");
    // What is not packed is acceptable unless it is refused, and less welcome than what is named.
    return weight ?? (encoding === "identity" ? 0.0001 : 0);
  };
  const best = OFFERED.toSorted((a, b) => weightOf(b) - weightOf(a))[0];
  return best && weightOf(best) > 0 ? best : "identity";
}

function parsed(item: string): [string, number] {
  const [name = "", ...parameters] = item.split(";").map((part) => part.trim());
  const weight = parameters.map((parameter) => WEIGHT.exec(parameter)?.[1]).find((q) => q !== undefined);
  return [name.toLowerCase(), weight === undefined ? 1 : Number(weight)];
}

/** Fast is better than small: the packing holds the reader up. */
const GZIP = { level: 4 };
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** The same bytes packed, as fast as they are taken; a failure breaks off what is packed, too. */
export async function* packed(
  pieces: AsyncGenerator<Uint8Array>,
  encoding: Exclude<Encoding, "identity">,
): AsyncGenerator<Uint8Array> {
  const packer = encoding === "gzip" ? createGzip(GZIP) : createZstdCompress(ZSTD);
  // The failure is thrown where the packed bytes are read.
  yield* pipeline(Readable.from(pieces, { objectMode: false }), packer, () => {}) as AsyncIterable<Buffer>;
}

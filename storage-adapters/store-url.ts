import { fileURLToPath } from "node:url";
import { checkKey, maxPrefixBytes } from "./key-gate.ts";
import { StorageError } from "./store.ts";

export type StoreLocation =
  | { scheme: "file:"; path: string }
  | { scheme: "memory:" }
  | { scheme: "s3:"; bucket: string; prefix: string; region?: string; endpoint?: string; pathStyle?: boolean }
  | { scheme: "gs:"; bucket: string; prefix: string; endpoint?: string };

const examples = {
  "file:": "file:///data",
  "s3:": "s3://my-bucket/logs?region=eu-central-1",
  "gs:": "gs://my-bucket/logs",
  "memory:": "memory:",
};

/** Its errors never repeat the URL, which may contain credentials. */
export function parseStoreUrl(text: string): StoreLocation {
  const url = URL.parse(text);
  if (!url) throw invalid(`it is not a URL; examples: ${Object.values(examples).join(", ")}`);
  if (!(url.protocol in examples)) {
    // Without slashes the "scheme" may be the user of user:password.
    const named = text.includes("://") ? `scheme "${url.protocol}"` : "scheme";
    throw invalid(`its ${named} is unknown; examples: ${Object.values(examples).join(", ")}`);
  }
  const scheme = url.protocol as keyof typeof examples;
  const refuse = (problem: string) => invalid(`${problem}; example: ${examples[scheme]}`);
  if (url.username || url.password) {
    throw refuse("it contains credentials, which must come the SDK's own way (environment, files, workload identity)");
  }
  if (url.hash) throw refuse('it contains a "#"; write %23 for one in a path');

  switch (scheme) {
    case "memory:":
      readQuery(url, [], refuse);
      if (url.pathname !== "" || url.host !== "") throw refuse("nothing may follow memory:");
      return { scheme };
    case "file:":
      readQuery(url, [], refuse);
      return { scheme, path: readPath(text, url, refuse) };
    case "s3:": {
      const query = readQuery(url, ["region", "endpoint", "pathStyle"], refuse);
      const { region, pathStyle = "false" } = query;
      if (pathStyle !== "true" && pathStyle !== "false") throw refuse("pathStyle must be true or false");
      const endpoint = readEndpoint(query.endpoint, refuse);
      return { scheme, ...readBucket(url, refuse), region, endpoint, pathStyle: pathStyle === "true" };
    }
    case "gs:": {
      const query = readQuery(url, ["endpoint"], refuse);
      return { scheme, ...readBucket(url, refuse), endpoint: readEndpoint(query.endpoint, refuse) };
    }
  }
}

type Refuse = (problem: string) => StorageError;

function readPath(text: string, url: URL, refuse: Refuse): string {
  // The URL parser makes file:folder and file:///folder the same.
  if (!/^file:\/\/\//i.test(text)) throw refuse("its path must be absolute: three slashes after file:");
  if (url.pathname === "/") throw refuse("its path is missing");
  try {
    return fileURLToPath(url).replace(/\/+$/, "");
  } catch (error) {
    throw refuse(`its path cannot be used: ${(error as Error).message}`);
  }
}

function readBucket(url: URL, refuse: Refuse): { bucket: string; prefix: string } {
  if (url.port) throw refuse("a port stands after the bucket; a server's address belongs into endpoint=");
  if (!url.hostname) throw refuse("its bucket is missing");
  if (!/^[a-z0-9][a-z0-9._-]*$/i.test(url.hostname))
    throw refuse("its bucket's name has characters that none may have");
  return { bucket: url.hostname, prefix: readPrefix(url, refuse) };
}

function readPrefix(url: URL, refuse: Refuse): string {
  try {
    const prefix = decodeURIComponent(url.pathname).replace(/^\/|\/$/g, "");
    if (prefix !== "") checkKey(prefix);
    if (Buffer.byteLength(prefix) > maxPrefixBytes) throw new Error(`it is longer than ${maxPrefixBytes} bytes`);
    return prefix;
  } catch (error) {
    throw refuse(`its prefix after the bucket cannot be used: ${(error as Error).message}`);
  }
}

function readQuery(url: URL, allowed: string[], refuse: Refuse): Record<string, string | undefined> {
  const values: Record<string, string | undefined> = {};
  for (const [name, value] of url.searchParams) {
    if (!allowed.includes(name)) {
      const known = allowed.length > 0 ? `known are ${allowed.join(", ")}` : "there are none for this scheme";
      throw refuse(`its query parameter "${name}" is unknown, ${known}`);
    }
    if (values[name] !== undefined) throw refuse(`its query parameter "${name}" is given twice`);
    values[name] = value === "" ? undefined : value;
  }
  return values;
}

function readEndpoint(text: string | undefined, refuse: Refuse): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw refuse("its endpoint must be an http:// or https:// address, such as endpoint=http://127.0.0.1:9000");
  }
  if (url.username || url.password)
    throw refuse("its endpoint contains credentials, which must come the SDK's own way");
  if (url.search || url.hash) throw refuse('its endpoint contains a "?" or "#"');
  return text;
}

const invalid = (problem: string) => new StorageError("invalid", `The store's URL cannot be used: ${problem}.`);

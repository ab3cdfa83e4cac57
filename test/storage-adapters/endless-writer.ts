import { filesystemStore } from "../../storage-adapters/filesystem.ts";

// Puts until it is killed: objects of a megabyte, each of one letter, some of them again and again.
const store = filesystemStore(process.argv[2] ?? "");
for (let count = 0; ; count++) {
  const bytes = Buffer.alloc(1_000_000, "abcdefghij"[count % 10]);
  await Promise.all([store.put("again", bytes), store.put(`new/${process.pid}/${count}`, bytes, { ifAbsent: true })]);
  process.stdout.write(".");
}

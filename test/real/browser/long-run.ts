import { stored } from "../../viewer/archive-fixture.ts";
import type { Session } from "./session.ts";

/** Lines of one repeated piece of a log. */
const PIECE = 2_000;
const START = Date.parse("2026-07-30T10:00:00Z");

/** What line of a long run says; every tenth is longer than any screen is wide. */
export const lineText = (line: number): string => {
  const at = (line - 1) % PIECE;
  return `object ${at}${at % 10 === 0 ? ` ${"-D_OPTION ".repeat(25)}` : ""}`.trimEnd();
};

/** A finished run with one log of many lines, all of the same piece, so that it is quick to make. Its address. */
export async function longRun(session: Session, name: string, lines: number): Promise<string> {
  const [task, step] = ["build", "compile"];
  const { archive } = session;
  const record = await archive.run({
    name,
    tasks: [{ name: task, containers: [{ title: step, lines: [], state: "open" }] }],
  });
  const writer = archive.growing.get(`${name}/${task}/${step}`);
  const container = record.tasks[0]?.attempts[0]?.containers[0];
  if (!writer || !container) throw new Error("the fixture has changed");
  const piece = Buffer.concat(
    Array.from({ length: PIECE }, (_, i) => stored(lineText(i + 1), START + i * 10 + (i >= 1_500 ? 20_000 : 0))),
  );
  for (let done = 0; done < lines; done += PIECE) {
    writer.append(piece);
    await writer.ready();
  }
  container.log = await writer.finish({ state: "whole" });
  await archive.finalize({ ...record, updatedAt: new Date().toISOString() });
  return `${session.url}/namespaces/tekton-ci/pipelineruns/${name}`;
}

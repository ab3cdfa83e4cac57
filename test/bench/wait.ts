import { setTimeout as sleep } from "node:timers/promises";

/** Asks every `everyMs` until there is an answer. @throws Error after `ms` */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  { ms, everyMs = 20 }: { ms: number; everyMs?: number },
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`waited ${ms / 1000} s in vain for ${what}`);
    await sleep(everyMs);
  }
}

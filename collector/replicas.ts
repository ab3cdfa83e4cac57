import { hash } from "node:crypto";

/** Which runs are this process's own. They are shared by load only: that nothing is written twice, the bucket sees to. */
export type Replicas = {
  owns(runUid: string): boolean;
  /** Resolves when the others have been looked for once. */
  readonly joined: Promise<void>;
  /** Called after each change of what `owns` says. */
  onChange(listener: () => void): void;
  /** Takes part until the signal aborts; resolves when the others know that it has gone. */
  run(signal: AbortSignal): Promise<void>;
};

export const alone: Replicas = {
  owns: () => true,
  joined: Promise.resolve(),
  onChange: () => {},
  run: async () => {},
};

/**
 * The member whose hash with the run is the highest (rendezvous hashing): a member that comes takes runs of all
 * others, one that goes leaves its own to all others, and no other run moves.
 */
export function ownerAmong(members: readonly string[], runUid: string): string | undefined {
  let owner: string | undefined;
  let highest = "";
  for (const member of members) {
    const score = hash("sha256", `${member}\0${runUid}`);
    if (owner !== undefined && (score < highest || (score === highest && member < owner))) continue;
    owner = member;
    highest = score;
  }
  return owner;
}

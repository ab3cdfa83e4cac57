import type { JsonObject } from "./kubernetes-objects.ts";

const conditionsOf = (status: JsonObject | undefined): JsonObject[] => (status?.conditions ?? []) as JsonObject[];

/** The status with this condition in place of the one of its type. */
export const withCondition = (status: JsonObject | undefined, condition: JsonObject): JsonObject => ({
  ...status,
  conditions: [...conditionsOf(status).filter(({ type }) => type !== condition.type), condition],
});

/** kubelet leaves alone the conditions that others have set. */
export function withOthersConditions(status: JsonObject, before: JsonObject | undefined): JsonObject {
  const own = new Set(conditionsOf(status).map(({ type }) => type));
  const others = conditionsOf(before).filter(({ type }) => !own.has(type));
  return others.length === 0 ? status : { ...status, conditions: [...conditionsOf(status), ...others] };
}

import type { Rule } from "../rule.ts";
import { BUILD_TOOLS } from "./build-tools.ts";
import { COMPILERS } from "./compilers.ts";
import { CONTAINERS } from "./containers.ts";
import { ENDINGS } from "./endings.ts";
import { ENVIRONMENT } from "./environment.ts";
import { EXCEPTION_WRAPPER, EXCEPTIONS } from "./exceptions.ts";
import { GENERIC } from "./generic.ts";
import { LINTERS } from "./linters.ts";
import { PACKAGE_MANAGERS } from "./packages.ts";
import { SHELL_RULES } from "./shell.ts";
import { TEST_RUNNERS } from "./tests.ts";

const byPriority = (rules: Rule[]) => rules.toSorted((a, b) => b.priority - a.priority);

const SPECIFIC = [
  ...ENDINGS,
  ...COMPILERS,
  ...EXCEPTIONS,
  ...BUILD_TOOLS,
  ...TEST_RUNNERS,
  ...LINTERS,
  ...PACKAGE_MANAGERS,
  ...CONTAINERS,
  ...ENVIRONMENT,
  ...SHELL_RULES,
];

/**
 * All rules in the order in which a line is tried: the first that takes it names the finding. The generic ones come
 * last, so that a consequence that is known for one does not pass for an error.
 */
export const RULES: readonly Rule[] = [EXCEPTION_WRAPPER, ...byPriority(SPECIFIC), ...byPriority(GENERIC)];

import type { Rule } from "../rule.ts";
import { BUILD_TOOLS } from "./build-tools.ts";
import { CONTAINERS } from "./containers.ts";
import { ENDINGS, ENVIRONMENT } from "./environment.ts";
import { GENERIC } from "./generic.ts";
import { COMPILERS, EXCEPTIONS } from "./languages.ts";
import { LINTERS } from "./linters.ts";
import { PACKAGE_MANAGERS } from "./packages.ts";
import { SHELL_RULES } from "./shell.ts";
import { TEST_RUNNERS } from "./tests.ts";

/** All rules. Of the rules that match a line the one of the highest priority names the finding. */
export const RULES: readonly Rule[] = [
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
  ...GENERIC,
].toSorted((a, b) => b.priority - a.priority);

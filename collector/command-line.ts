import { parseArgs } from "node:util";
import { StartError } from "../settings.ts";

export const USAGE = `Usage: npm run collector [-- OPTION]

Collects the logs of Tekton's runs until it is stopped. Its settings come from the environment (README.md).

  --remove-finalizers  take Afterlog's finalizer off every TaskRun of AFTERLOG_NAMESPACES and end;
                       stop all collectors first, or they put it back
  --help               print this and end`;

export type Command = "collect" | "remove-finalizers" | "help";

/** The arguments are not understood; the message holds the usage. */
export class UsageError extends StartError {
  override readonly name = "UsageError";
}

/** @throws UsageError */
export function parseCommand(args: string[]): Command {
  try {
    const { values } = parseArgs({
      args,
      options: { "remove-finalizers": { type: "boolean" }, help: { type: "boolean", short: "h" } },
    });
    if (values.help) return "help";
    return values["remove-finalizers"] ? "remove-finalizers" : "collect";
  } catch (error) {
    const argument = args.find((arg) => !["--remove-finalizers", "--help", "-h"].includes(arg));
    throw new UsageError(`The collector does not know the argument "${argument}".\n\n${USAGE}`, { cause: error });
  }
}

import { KubeConfig } from "@kubernetes/client-node";
import { describe } from "vitest";
import { kubernetesClient } from "../../../collector/kubernetes/client.ts";
import { kubernetesContract, label } from "../../collector/kubernetes-contract.ts";
import { missing, openCluster } from "./cluster.ts";

const why = missing();

describe.skipIf(why)(`on the real cluster${why ? ` (skipped: ${why})` : ""}`, () => {
  kubernetesContract("real", async () => {
    const cluster = await openCluster();
    const config = new KubeConfig();
    config.loadFromDefault();
    const { namespace, core } = cluster;
    return {
      client: kubernetesClient(config),
      namespace,
      print: async (name, lines, { pauseMs = 0, newline = true } = {}) => {
        const half = Math.floor(lines.length / 2);
        const text = (part: string[]) => part.map((line) => `${line}\n`).join("");
        const rest = text(lines.slice(half));
        const environment = { FIRST: text(lines.slice(0, half)), REST: newline ? rest : rest.slice(0, -1) };
        await core.createNamespacedPod({
          namespace,
          body: {
            metadata: { name, labels: { [label]: "yes" } },
            spec: {
              restartPolicy: "Never",
              automountServiceAccountToken: false,
              terminationGracePeriodSeconds: 1,
              containers: [
                {
                  name: "main",
                  image: "localhost/busybox:1",
                  command: ["sh", "-c", `printf %s "$FIRST"; sleep ${pauseMs / 1000}; printf %s "$REST"`],
                  env: Object.entries(environment).map(([key, value]) => ({ name: key, value })),
                },
              ],
            },
          },
        });
      },
      remove: async (name) => {
        await core.deleteNamespacedPod({ name, namespace });
      },
      close: () => cluster.close(),
    };
  });
});

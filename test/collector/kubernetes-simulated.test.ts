import { setTimeout as sleep } from "node:timers/promises";
import { KubeConfig } from "@kubernetes/client-node";
import { kubernetesClient } from "../../collector/kubernetes/client.ts";
import { createSimulator, type Pod } from "../simulator/index.ts";
import { kubernetesContract, label } from "./kubernetes-contract.ts";

kubernetesContract("simulated", async () => {
  const simulator = await createSimulator();
  const config = new KubeConfig();
  config.loadFromString(simulator.kubeconfig);
  const pods = new Map<string, Pod>();
  const print = async (pod: Pod, lines: string[], pauseMs: number, newline: boolean) => {
    for (const [i, line] of lines.entries()) {
      if (i === Math.floor(lines.length / 2)) await sleep(pauseMs);
      simulator.write(pod, "main", i === lines.length - 1 && !newline ? line : `${line}\n`);
    }
    simulator.exit(pod, "main");
  };
  return {
    client: kubernetesClient(config),
    namespace: "default",
    print: async (name, lines, { pauseMs = 0, newline = true } = {}) => {
      const pod = simulator.createPod({ name, labels: { [label]: "yes" }, containers: ["main"] });
      pods.set(name, pod);
      void print(pod, lines, pauseMs, newline);
    },
    remove: async (name) => {
      await simulator.deletePod(pods.get(name) as Pod);
    },
    close: () => simulator.close(),
  };
});

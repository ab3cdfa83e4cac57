import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { AuthorizationV1Api, CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Cluster, missingProgram } from "../cluster.ts";
import { Installation, taskRun } from "./installation.ts";
import { INSTALLED, NEEDED, render } from "./manifests.ts";

const RIGHTS = ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];

const why = missingProgram();

describe.skipIf(why)(`the accounts of deploy/ on the real cluster${why ? ` (skipped: ${why})` : ""}`, () => {
  let installation: Installation;
  let cluster: Cluster;
  beforeAll(async () => {
    installation = await Installation.open();
    ({ cluster } = installation);
  });
  afterAll(async () => {
    await installation?.close();
  });

  describe.each([
    { path: "base", namespaces: () => "*", wide: true },
    { path: "overlays/one-namespace", namespaces: () => cluster.namespace, wide: false },
  ])("the rights of $path", ({ path, namespaces, wide }) => {
    /** Each with an account of its own, so that neither lives on the other's rights. */
    const own = () => `${installation.suffix}-${wide ? "wide" : "narrow"}`;
    const installed = () => `${INSTALLED}-${own()}`;
    const as = async (account: string): Promise<KubeConfig> => {
      const admin = new KubeConfig();
      admin.loadFromDefault();
      const { status } = await admin.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({
        namespace: installed(),
        name: account,
        body: { spec: { audiences: [], expirationSeconds: 3600 } },
      });
      const config = new KubeConfig();
      config.loadFromClusterAndUser(
        admin.getCurrentCluster() as NonNullable<ReturnType<KubeConfig["getCurrentCluster"]>>,
        {
          name: account,
          token: status?.token as string,
        },
      );
      return config;
    };

    beforeAll(async () => {
      const objects = installation.own(await render(path), own());
      await installation.apply(objects.filter(({ kind }) => kind === "Namespace"));
      await installation.apply(objects.filter(({ kind }) => RIGHTS.includes(kind)));
    });

    test("are those that are needed and no more", async () => {
      const authorization = (await as("collector")).makeApiClient(AuthorizationV1Api);
      const { status } = await authorization.createSelfSubjectRulesReview({
        body: { spec: { namespace: cluster.namespace } },
      });
      // What Kubernetes lets everyone do: ask what they may, and who they are.
      const given = status?.resourceRules.filter(({ apiGroups }) => !/^auth/.test(apiGroups?.[0] ?? ""));
      expect(given).toHaveLength(NEEDED.length);
      for (const rule of NEEDED) expect(given).toContainEqual(expect.objectContaining(rule));

      const may = async (verb: string, resource: string, ns = cluster.namespace, group = "") => {
        const [name, subresource] = resource.split("/");
        const resourceAttributes = { verb, group, resource: name, namespace: ns, ...(subresource && { subresource }) };
        const answer = await authorization.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } });
        return answer.status?.allowed;
      };
      const everywhere = "";
      expect(await may("get", "pods/log")).toBe(true);
      expect(await may("watch", "taskruns", cluster.namespace, "tekton.dev")).toBe(true);
      expect(await may("watch", "taskruns", everywhere, "tekton.dev")).toBe(wide);
      expect(await may("list", "pods", everywhere)).toBe(wide);
      expect(await may("get", "pods/log", "kube-system")).toBe(wide);
      const closed: [verb: string, resource: string, group?: string][] = [
        ["get", "secrets"],
        ["list", "configmaps"],
        ["create", "pods"],
        ["delete", "pods"],
        ["create", "pods/exec"],
        ["patch", "taskruns", "tekton.dev"],
        ["update", "taskruns/status", "tekton.dev"],
        ["delete", "pipelineruns", "tekton.dev"],
        ["get", "nodes"],
        ["get", "nodes/proxy"],
        ["create", "serviceaccounts/token"],
      ];
      for (const [verb, resource, group] of closed) {
        expect(await may(verb, resource, cluster.namespace, group), `${verb} ${resource}`).toBe(false);
        expect(await may(verb, resource, everywhere, group), `${verb} ${resource} everywhere`).toBe(false);
      }
    });

    test("archive a TaskRun with its log", async () => {
      const kubeconfig = join(installation.folder("kubeconfig"), "config");
      writeFileSync(kubeconfig, (await as("collector")).exportConfig(), { mode: 0o600 });
      const store = pathToFileURL(installation.folder("store")).href;
      await installation.start(
        "collector/main.ts",
        {
          KUBECONFIG: kubeconfig,
          AFTERLOG_STORE: store,
          AFTERLOG_HOST: "0.0.0.0",
          AFTERLOG_NAMESPACES: namespaces(),
        },
        /"watching"/,
      );
      // The viewer's process gets no kubeconfig at all.
      const url = await installation.start(
        "viewer/main.ts",
        {
          AFTERLOG_STORE: store,
          AFTERLOG_NAMESPACES: cluster.namespace,
          AFTERLOG_PORT: "0",
        },
        /shows .* at (\S+)$/,
      );
      const name = wide ? "wide" : "narrow";
      await cluster.apply(taskRun(name));
      await installation.archivedAt(url, name);
    });

    // The folder's viewer, which one-namespace is built on, has no account.
    if (wide) {
      test("are none at all for the viewer", async () => {
        const authorization = (await as("viewer")).makeApiClient(AuthorizationV1Api);
        const { status } = await authorization.createSelfSubjectRulesReview({
          body: { spec: { namespace: cluster.namespace } },
        });
        expect(status?.resourceRules.filter(({ apiGroups }) => !/^auth/.test(apiGroups?.[0] ?? ""))).toEqual([]);
      });
    }
  });
});

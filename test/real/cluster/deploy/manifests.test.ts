import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { missingProgram } from "../cluster.ts";
import { Installation } from "./installation.ts";
import { INSTALLED, isDeployment, type KubernetesObject, kubectl, NEEDED, render, renderWith } from "./manifests.ts";

/** What the components add. */
const FINALIZER_NEEDED = [
  { apiGroups: ["tekton.dev"], resources: ["taskruns"], verbs: ["patch"] },
  { apiGroups: ["tekton.dev"], resources: ["taskruns/finalizers"], verbs: ["update"] },
];
const REPLICAS_NEEDED = [
  {
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    verbs: ["get", "list", "create", "update", "delete"],
  },
];

const why = missingProgram();

describe.skipIf(why)(`the manifests of deploy/ on the real cluster${why ? ` (skipped: ${why})` : ""}`, () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await Installation.open();
    const base = installation.own(await render("base"));
    await installation.apply(base.filter(({ kind }) => kind === "Namespace"));
  });
  afterAll(async () => {
    await installation?.close();
  });

  describe.each(["base", "overlays/folder", "overlays/s3", "overlays/gcs", "overlays/one-namespace"])("%s", (path) => {
    test("is what the API server accepts, without a warning", async () => {
      const objects = installation.own(await render(path));
      const { stdout, stderr } = await kubectl(["apply", "--dry-run=server", "-f", "-"], objects);
      expect(stderr).toBe("");
      expect(stdout.trim().split("\n")).toHaveLength(objects.length);
    });

    test("gives every container the strictest settings, one image, and a reserve", async () => {
      const deployments = (await render(path)).filter(isDeployment);
      const pods = deployments.map(({ spec }) => spec.template.spec);
      const containers = pods.flatMap((pod) => pod.containers);
      expect(containers.map(({ name }) => name)).toEqual(["collector", "viewer"]);
      expect(new Set(containers.map(({ image }) => image)).size).toBe(1);
      for (const pod of pods) expect(pod).toMatchObject({ enableServiceLinks: false });
      for (const container of containers) {
        expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true });
        const memory = expect.stringMatching(/^\d+[MG]i$/);
        expect(container.resources).toMatchObject({
          requests: { cpu: expect.any(String), memory },
          limits: { memory },
        });
      }
    });
  });

  describe.each([
    { overlay: "overlays/s3", components: ["replicas", "finalizer"], wide: true },
    { overlay: "overlays/gcs", components: ["replicas"], wide: true },
    { overlay: "overlays/folder", components: ["finalizer"], wide: true },
    { overlay: "overlays/one-namespace", components: ["finalizer"], wide: false },
  ])("$overlay with $components", ({ overlay, components, wide }) => {
    const finalizer = components.includes("finalizer");
    const replicas = components.includes("replicas");
    const withComponents = () => renderWith(overlay, components, installation.folder("kustomize"));

    test("is what the API server accepts, without a warning", async () => {
      const objects = installation.own(await withComponents());
      const { stdout, stderr } = await kubectl(["apply", "--dry-run=server", "-f", "-"], objects);
      expect(stderr).toBe("");
      expect(stdout.trim().split("\n")).toHaveLength(objects.length);
    });

    test("adds the rights and settings that it is for to what was there, and no more", async () => {
      const [before, after] = [await render(overlay), await withComponents()];
      const find = (kind: string, name: string) =>
        after.find((object) => object.kind === kind && object.metadata.name === name);
      const role = find(wide ? "ClusterRole" : "Role", "afterlog-collector");
      expect(role?.rules).toEqual([...NEEDED, ...(finalizer ? FINALIZER_NEEDED : [])]);
      expect(find("Role", "afterlog-replicas")?.rules).toEqual(replicas ? REPLICAS_NEEDED : undefined);
      expect(find("Role", "afterlog-replicas")?.metadata.namespace).toBe(replicas ? INSTALLED : undefined);
      expect(after).toHaveLength(before.length + (replicas ? 2 : 0));

      const settings = (objects: KubernetesObject[]) => objects.find(({ kind }) => kind === "ConfigMap")?.data;
      const seconds = finalizer && { AFTERLOG_FINALIZER_SECONDS: "600" };
      expect(settings(after)).toEqual({ ...settings(before), ...seconds });
      const collector = (objects: KubernetesObject[]) =>
        objects.filter(isDeployment).find(({ metadata }) => metadata.name === "collector")?.spec;
      const names = (objects: KubernetesObject[]) =>
        collector(objects)
          ?.template.spec.containers[0]?.env.map(({ name }) => name)
          .sort();
      const own = replicas ? ["AFTERLOG_LEASE_NAMESPACE", "AFTERLOG_REPLICA"] : [];
      expect(names(after)).toEqual([...(names(before) ?? []), ...own].sort());
      expect([collector(after)?.replicas, collector(after)?.strategy.type]).toEqual(
        replicas ? [2, "RollingUpdate"] : [1, "Recreate"],
      );
    });
  });

  test("the folder's viewer is the base's but for the volume", async () => {
    const viewerOf = (objects: KubernetesObject[]) => {
      const pods = objects.filter(isDeployment).map(({ spec }) => spec.template.spec);
      const found = pods.flatMap((pod) => pod.containers).find(({ name }) => name === "viewer");
      if (!found) throw new Error("no Deployment has the viewer");
      const { lifecycle: _, volumeMounts: __, ...viewer } = found;
      // The settings' name ends in a hash of them.
      return JSON.parse(JSON.stringify(viewer).replaceAll(/"afterlog-[a-z0-9]{10}"/g, '"afterlog"'));
    };
    expect(viewerOf(await render("overlays/folder"))).toEqual(viewerOf(await render("base")));
  });

  test("one-namespace watches the namespace of its Role", async () => {
    const objects = await render("overlays/one-namespace");
    const roles = objects.filter(({ kind }) => kind.startsWith("Role"));
    const settings = objects.find(({ kind }) => kind === "ConfigMap")?.data;
    expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(roles.map(() => settings?.AFTERLOG_NAMESPACES));
    expect(objects.filter(({ kind }) => kind.startsWith("Cluster"))).toEqual([]);
  });
});

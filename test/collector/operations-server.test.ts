import type { AddressInfo } from "node:net";
import { afterAll, expect, test } from "vitest";
import { Metrics } from "../../collector/metrics.ts";
import { operationsServer } from "../../collector/operations-server.ts";

const state: { notReady: string | undefined } = { notReady: "2 of the first lists have not been read yet" };
const metrics = new Metrics();
metrics.watch({
  runsWaiting: () => 3,
  logsOpen: () => 2,
  logsAtRisk: () => 1,
  spoolBytes: () => 4_096,
  backlogBytes: () => 5_000,
  ready: () => state.notReady === undefined,
});
const server = operationsServer(state, metrics).listen(0, "127.0.0.1");
afterAll(() => server.close());

const get = async (path: string) => {
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
  return { status: response.status, body: await response.text() };
};

test("a series begins at 0, so that its first increase is one", async () => {
  const lines = (await get("/metrics")).body.split("\n");
  for (const line of [
    'afterlog_gaps_total{cause="evicted"} 0',
    'afterlog_stream_interruptions_total{kind="broken"} 0',
    'afterlog_stream_successors_total{reason="rate"} 0',
    'afterlog_store_errors_total{kind="denied"} 0',
    'afterlog_logs_finished_total{state="incomplete"} 0',
    'afterlog_watch_errors_total{resource="pods"} 0',
    "afterlog_runs_archived_total 0",
  ])
    expect(lines).toContain(line);
});

test("probes say why not, metrics have standard names and what was counted", async () => {
  expect(await get("/healthz")).toEqual({ status: 200, body: "ok\n" });
  expect(await get("/readyz")).toEqual({ status: 503, body: `${state.notReady}\n` });
  expect((await get("/nothing")).status).toBe(404);
  state.notReady = undefined;
  expect(await get("/readyz?verbose")).toEqual({ status: 200, body: "ok\n" });
  metrics.stored({ lines: 7, bytes: 700, firstTime: new Date(Date.now() - 1_500).toISOString() });
  metrics.gap({ cause: "rotated" });
  metrics.storeFailed({ kind: "unavailable" });
  const { body } = await get("/metrics");
  for (const line of [
    "afterlog_lines_stored_total 7",
    "afterlog_bytes_stored_total 700",
    'afterlog_gaps_total{cause="rotated"} 1',
    'afterlog_store_errors_total{kind="unavailable"} 1',
    'afterlog_lag_seconds_bucket{le="2"} 1',
    "afterlog_follows_open 0",
    "afterlog_runs_waiting 3",
    "afterlog_logs_at_risk 1",
    "afterlog_spool_bytes 4096",
    "afterlog_ready 1",
  ])
    expect(body.split("\n")).toContain(line);
});

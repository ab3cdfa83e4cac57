import { gated } from "../../storage-adapters/key-gate.ts";
import { memoryStore } from "../../storage-adapters/memory.ts";
import { storeContract } from "./store-contract.ts";

storeContract("memory", async () => ({ store: gated(memoryStore()) }));

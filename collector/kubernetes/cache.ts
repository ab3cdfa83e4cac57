import type { Meta } from "./objects.ts";
import type { WatchEvent } from "./watch.ts";

/**
 * The objects of one kind that exist, by UID: a new object under an old name is another object. Told of every change
 * by `onChange`; an object that vanished unseen counts as deleted when the next list lacks it.
 */
export class ObjectCache<T extends { metadata: Meta }> {
  readonly #objects = new Map<string, T>();
  readonly #onChange: (object: T, deleted: boolean) => void;
  #listed: Set<string> | undefined;

  constructor(onChange: (object: T, deleted: boolean) => void) {
    this.#onChange = onChange;
  }

  handle(event: WatchEvent<T>): void {
    switch (event.type) {
      case "init":
        this.#listed = new Set();
        break;
      case "listed":
      case "applied":
        this.#listed?.add(event.object.metadata.uid);
        this.#apply(event.object);
        break;
      case "deleted":
        this.#delete(event.object);
        break;
      case "synced":
        for (const object of [...this.#objects.values()]) {
          if (!this.#listed?.has(object.metadata.uid)) this.#delete(object);
        }
        this.#listed = undefined;
    }
  }

  #apply(object: T): void {
    const known = this.#objects.get(object.metadata.uid);
    if (known?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    this.#objects.set(object.metadata.uid, object);
    this.#onChange(object, false);
  }

  #delete(object: T): void {
    this.#objects.delete(object.metadata.uid);
    this.#onChange(object, true);
  }
}

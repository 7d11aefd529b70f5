// The phone's store: IndexedDB, one database for each account, every value encrypted with AES-GCM under a key that
// the browser never hands out. What stands in the clear beside a value is only what the outbox must sort by.
import { deleteDB, openDB } from "../../vendor/idb/idb-8.0.4.js";

const PREFIX = "outreach-phone-";
export const USER = "phone-user"; // in localStorage: whose list this phone holds
const VERSION = 1;
// buckets: my households by the server's buckets; drafts: what is being written; outbox: what waits to be sent, and
// receipts; photos: pictures of the outbox; meta: the shared part, the lease, own visits
export const STORES = ["meta", "buckets", "drafts", "outbox", "photos"];

export const isSupported = () => Boolean(window.indexedDB && window.crypto?.subtle && window.isSecureContext);

export async function openVault(user) {
  const vault = new Vault(user);
  await vault.key();
  return vault;
}

// Forgets what a phone holds for an account; what has not been sent stays, encrypted, until that account is back.
export async function leave(user) {
  const vault = await openVault(user);
  const waiting = (await vault.index("outbox")).filter((one) => one.state !== "sent");
  if (!waiting.length) return deleteDB(PREFIX + user);
  await vault.wipe(["buckets", "drafts", "meta"]);
  const kept = new Set(waiting.map((one) => one.key));
  const photos = (await vault.index("photos")).filter((one) => !kept.has(one.key.split(":")[0]));
  return photos.length ? vault.commit(photos.map((one) => ["photos", one.key, null])) : undefined;
}

// Accounts that have used this phone, where the browser can tell.
export async function vaultUsers() {
  if (!window.indexedDB.databases) return [];
  const names = (await window.indexedDB.databases()).map((one) => one.name || "");
  return names.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length));
}

class Vault {
  constructor(user) {
    this.user = user;
    this.opening = null;
    this.secret = null;
  }

  // The browser may close a database by itself (storage pressure, an old Android in the background): open it again.
  db() {
    if (!this.opening) {
      const again = () => {
        this.opening = null;
      };
      this.opening = openDB(PREFIX + this.user, VERSION, {
        upgrade(db) {
          for (const name of ["keys", ...STORES]) if (!db.objectStoreNames.contains(name)) db.createObjectStore(name);
        },
        blocking: (_current, _wanted, event) => {
          event.target.close();
          again();
        },
        terminated: again,
      });
      this.opening.catch(again);
    }
    return this.opening;
  }

  async run(work) {
    try {
      return await work(await this.db());
    } catch (error) {
      if (error.name !== "InvalidStateError") throw error;
      this.opening = null;
      return work(await this.db());
    }
  }

  async key() {
    if (this.secret) return this.secret;
    const kept = await this.run((db) => db.get("keys", "key"));
    if (kept) return (this.secret = kept);
    const made = await window.crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
      "encrypt",
      "decrypt",
    ]);
    // two tabs may come here at once: the first key written stays
    await this.run(async (db) => {
      const write = db.transaction("keys", "readwrite");
      if (!(await write.store.get("key"))) await write.store.put(made, "key");
      await write.done;
    });
    return (this.secret = await this.run((db) => db.get("keys", "key")));
  }

  async seal(value) {
    const iv = window.crypto.getRandomValues(new Uint8Array(12));
    const plain = value instanceof Uint8Array ? value : new TextEncoder().encode(JSON.stringify(value));
    const data = await window.crypto.subtle.encrypt({ name: "AES-GCM", iv }, await this.key(), plain);
    return { iv, data, isBytes: value instanceof Uint8Array };
  }

  async unseal(record) {
    const { iv } = record;
    const plain = await window.crypto.subtle.decrypt({ name: "AES-GCM", iv }, await this.key(), record.data);
    return record.isBytes ? new Uint8Array(plain) : JSON.parse(new TextDecoder().decode(plain));
  }

  async get(store, key) {
    const record = await this.run((db) => db.get(store, key));
    return record ? this.unseal(record) : undefined;
  }

  async put(store, key, value, clear = {}) {
    await this.commit([[store, key, value, clear]]);
  }

  // Changes of several stores, all or none: [[store, key, value, clear], …]; without a value: deleted. Resolves when
  // they lie on the disk, so that not even a phone that loses its power forgets them.
  async commit(changes) {
    const sealed = await Promise.all(
      changes.map(async ([store, key, value, clear]) => [store, key, value && { ...clear, ...(await this.seal(value)) }]),
    );
    const stores = [...new Set(changes.map(([store]) => store))];
    await this.run(async (db) => {
      const write = db.transaction(stores, "readwrite", { durability: "strict" });
      for (const [store, key, record] of sealed) {
        if (record) write.objectStore(store).put(record, key);
        else write.objectStore(store).delete(key);
      }
      await write.done;
    });
  }

  // Several at once, all or none: [[key, value], …]; null for a value deletes.
  async putAll(store, pairs) {
    const sealed = await Promise.all(pairs.map(async ([key, value]) => [key, value && (await this.seal(value))]));
    await this.run(async (db) => {
      const write = db.transaction(store, "readwrite");
      for (const [key, record] of sealed) {
        if (record) write.store.put(record, key);
        else write.store.delete(key);
      }
      await write.done;
    });
  }

  // What stands in the clear of every record, with its key: nothing is decrypted.
  async index(store) {
    return this.run(async (db) => {
      const found = [];
      let cursor = await db.transaction(store).store.openCursor();
      while (cursor) {
        const { iv, data, isBytes, ...clear } = cursor.value;
        found.push({ key: cursor.key, ...clear });
        cursor = await cursor.continue();
      }
      return found;
    });
  }

  async all(store) {
    const [keys, records] = await this.run((db) => {
      const read = db.transaction(store).store;
      return Promise.all([read.getAllKeys(), read.getAll()]);
    });
    const values = await Promise.all(records.map((record) => this.unseal(record)));
    return keys.map((key, place) => [key, values[place]]);
  }

  // Changes only what stands in the clear.
  async mark(store, key, clear) {
    await this.run(async (db) => {
      const write = db.transaction(store, "readwrite");
      const record = await write.store.get(key);
      if (record) await write.store.put({ ...record, ...clear }, key);
      await write.done;
    });
  }

  async delete(store, key) {
    await this.run((db) => db.delete(store, key));
  }

  async wipe(stores) {
    await this.run(async (db) => {
      const write = db.transaction(stores, "readwrite");
      for (const name of stores) write.objectStore(name).clear();
      await write.done;
    });
  }
}

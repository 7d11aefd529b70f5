// What waits to be sent: visits and answers, each until the server has given a receipt, and no later than it is forgotten.
//
// An entry's states: waiting, refused (the server said why; somebody must mend it), sent (the receipt is kept for a
// week). One tab sends at a time (Web Locks); a batch is small; failures wait longer and longer, with chance in it so
// that a village that gets its signal back does not come all at once.
const BATCH = 20;
const PIECE = 256 * 1024;
const TIMEOUT = 30_000;
const FIRST_WAIT = 2_000;
const LONGEST_WAIT = 5 * 60_000;
const KEEP_RECEIPTS = 7 * 24 * 3600_000;

export class LoginNeeded extends Error {}

export class Outbox {
  constructor(vault, { syncUrl, photoUrl, onChange = () => {} }) {
    this.vault = vault;
    this.syncUrl = syncUrl;
    this.photoUrl = photoUrl;
    this.onChange = onChange;
    this.failures = 0;
    this.notBefore = 0;
    this.state = "idle"; // idle, sending, offline, login
  }

  // Resolves when the entry lies safely in the store, with its photos and in place of its draft: all at once, so that
  // a tab killed in between leaves either the draft or the entry.
  async add(kind, key, body, { household = 0, photos = [], draft = "" } = {}) {
    const clear = { kind, household, state: "waiting", at: Date.now() };
    await this.vault.commit([
      ["outbox", key, { kind, body, photos: photos.map(([digest]) => digest) }, clear],
      ...photos.map(([digest, bytes]) => ["photos", photoKey(key, digest), bytes]),
      ...(draft ? [["drafts", draft, null]] : []),
    ]);
    this.onChange();
  }

  async entries() {
    const found = await this.vault.index("outbox");
    return found.sort((one, other) => one.at - other.at);
  }

  read(key) {
    return this.vault.get("outbox", key);
  }

  async count() {
    return (await this.entries()).filter((one) => one.state !== "sent").length;
  }

  async discard(key) {
    const { photos } = await this.read(key);
    await this.vault.commit([["outbox", key, null], ...photos.map((digest) => ["photos", photoKey(key, digest), null])]);
    this.onChange();
  }

  // A refused entry becomes a draft again, its photos with it.
  async reopen(key, draftKey, draft) {
    await this.vault.commit([
      ["drafts", draftKey, draft],
      ["outbox", key, null],
    ]);
    this.onChange();
  }

  async retry(key) {
    await this.vault.mark("outbox", key, { state: "waiting", message: "", code: "" });
    this.onChange();
  }

  // Sends what waits; `force`: also before the pause after a failure is over. Resolves to whether anything arrived.
  async flush({ force = false } = {}) {
    if (!force && performance.now() < this.notBefore) return false;
    const work = () => this.send();
    if (navigator.locks) {
      return navigator.locks.request(`outbox-${this.vault.user}`, { ifAvailable: true }, (lock) => lock && work());
    }
    if (this.isSending) return false; // without locks two tabs may send the same: the server takes it once
    this.isSending = true;
    try {
      return await work();
    } finally {
      this.isSending = false;
    }
  }

  async send() {
    let arrived = false;
    try {
      for (;;) {
        const waiting = (await this.entries()).filter((one) => one.state === "waiting").slice(0, BATCH);
        if (!waiting.length) break;
        this.setState("sending");
        await this.sendBatch(waiting);
        arrived = true;
      }
      this.failures = 0;
      this.notBefore = 0;
      this.setState("idle");
    } catch (error) {
      this.pause(error);
    }
    await this.forgetOld();
    return arrived;
  }

  pause(error) {
    console.warn(`not sent: ${error.message || error.name}`);
    this.failures += 1;
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (this.failures - 1));
    // by a clock that nobody sets: put back by a day, the phone's would keep everything waiting for a day
    this.notBefore = performance.now() + longest * (0.5 + Math.random() / 2);
    this.setState(error instanceof LoginNeeded ? "login" : "offline");
  }

  setState(state) {
    this.state = state;
    this.onChange();
  }

  async sendBatch(waiting) {
    const bodies = await Promise.all(waiting.map((one) => this.read(one.key)));
    for (const [place, one] of waiting.entries()) {
      for (const digest of bodies[place].photos) await this.sendPhoto(one.key, digest);
    }
    const items = bodies.map(({ kind, body }) => ({ kind, [kind]: body }));
    const response = await request(this.syncUrl, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ items, sent_at: new Date().toISOString() }),
    });
    if (response.status === 400 || response.status === 413) return this.refuseUnreadable(waiting, response);
    if (response.status >= 500 && waiting.length > 1) return this.sendApart(waiting);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    const { receipts } = await response.json();
    // By place, not by name: a receipt for what the server could not read has none.
    for (const [place, one] of waiting.entries()) await this.settle(one, bodies[place], receipts[place]);
    this.onChange();
  }

  // A batch the server cannot read at all: find the one entry, and let a person see it.
  async refuseUnreadable(waiting, response) {
    if (waiting.length > 1) {
      for (const one of waiting) await this.sendBatch([one]);
      return;
    }
    const { message = "", code = "unreadable" } = await response.json().catch(() => ({}));
    await this.vault.mark("outbox", waiting[0].key, { state: "refused", message, code });
    this.onChange();
  }

  // One entry the server stumbles over holds up no other.
  async sendApart(waiting) {
    let failure = null;
    for (const one of waiting) {
      try {
        await this.sendBatch([one]);
      } catch (error) {
        failure = error;
        if (error instanceof LoginNeeded || error instanceof TypeError) break;
      }
    }
    if (failure) throw failure;
  }

  async settle(one, body, receipt) {
    if (receipt.result === "refused") {
      const photos = await Promise.all(body.photos.map((digest) => this.vault.get("photos", photoKey(one.key, digest))));
      if (receipt.code === "photo_missing" && photos.every(Boolean)) throw new Error("the photo is sent again");
      const { message, code, field } = receipt;
      await this.vault.mark("outbox", one.key, { state: "refused", message, code, field });
      return;
    }
    // The content goes, the receipt stays a while.
    const { result, issues, message } = receipt;
    const { key, ...clear } = one;
    await this.vault.commit([
      ["outbox", key, { photos: [] }, { ...clear, state: "sent", result, issues, message, sentAt: Date.now() }],
      ...body.photos.map((digest) => ["photos", photoKey(key, digest), null]),
    ]);
  }

  async sendPhoto(key, digest) {
    const bytes = await this.vault.get("photos", photoKey(key, digest));
    if (!bytes) return;
    const url = this.photoUrl.replace("0".repeat(64), digest);
    let { have, complete } = await json(await request(url, {}));
    while (!complete) {
      const piece = bytes.slice(have, have + PIECE);
      const last = have + piece.length >= bytes.length ? "&last=1" : "";
      const answer = await request(`${url}?offset=${have}${last}`, { method: "PUT", body: piece });
      if (answer.status !== 200 && answer.status !== 409) throw new Error(`the server answered ${answer.status}`);
      const state = await json(answer);
      if (answer.status === 409 && state.have === have) throw new Error(state.code);
      have = state.have;
      complete = state.complete;
    }
  }

  async forgetOld() {
    const old = (await this.entries()).filter((one) => one.state === "sent" && Date.now() - one.sentAt > KEEP_RECEIPTS);
    for (const one of old) await this.vault.delete("outbox", one.key);
  }

  async putPhotoInto(key, item) {
    const bytes = item.photo_sha256 && (await this.vault.get("photos", photoKey(key, item.photo_sha256)));
    if (!bytes) return;
    item.photo = base64(bytes);
    delete item.photo_sha256;
  }

  // Everything that has not arrived, for a file that an administrator can hand in.
  async file(user) {
    const items = [];
    for (const one of (await this.entries()).filter((entry) => entry.state !== "sent")) {
      const { kind, body } = await this.read(one.key);
      for (const item of body.items || []) await this.putPhotoInto(one.key, item);
      items.push({ kind, [kind]: body });
    }
    return { program: "outreach", version: 1, staff_number: user.staff_number, saved_at: new Date().toISOString(), items };
  }
}

const json = (response) => response.json();

// Each entry has its photos for itself: the same picture may belong to two visits.
export const photoKey = (key, digest) => `${key}:${digest}`;

const base64 = (bytes) => {
  let text = "";
  for (let from = 0; from < bytes.length; from += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(from, from + 0x8000));
  }
  return window.btoa(text);
};

function cookie(name) {
  return document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) || "";
}

// A request of our own server that ends in time. Raises LoginNeeded where the session has ended, TypeError without a
// network. navigator.onLine is not asked: it knows of cables, not of networks.
export async function request(url, options) {
  const stop = new AbortController();
  const timer = window.setTimeout(() => stop.abort(), TIMEOUT);
  try {
    const response = await fetch(url, {
      credentials: "same-origin",
      redirect: "manual",
      cache: "no-store",
      signal: stop.signal,
      ...options,
      headers: { Accept: "application/json", "X-CSRFToken": cookie("csrftoken"), ...(options.headers || {}) },
    });
    // a redirect leads to the login page; so does a token that belonged to the session before
    const isJson = (response.headers.get("content-type") || "").includes("application/json");
    if (response.type === "opaqueredirect" || response.status === 401 || (response.status === 403 && !isJson)) {
      throw new LoginNeeded();
    }
    return response;
  } finally {
    window.clearTimeout(timer);
  }
}

// The form of a visit on the phone: filled from the store, kept as a draft while it is written, turned into what the
// server reads (visits/payload.py), and put into the outbox. Its HTML is templates/visits/phone/_form.html.
import { h } from "./dom.js";
import { photoKey } from "./outbox.js";

const LONGEST_SIDE = 1600;
const NOT_IN_DRAFT = new Set(["csrfmiddlewaretoken", "problem_photo"]);
// what a visit's seconds are told by: the part of the form that was touched last
const PARTS = { outcome: "outcome", problem: "problem" };

export function newNumber() {
  if (window.crypto.randomUUID) return window.crypto.randomUUID();
  const bytes = window.crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const two = (number) => String(number).padStart(2, "0");

// 2026-11-24T09:30 in the district's zone, whatever zone the phone is set to.
export function localTime(milliseconds) {
  const there = new Date(milliseconds + 8 * 3600_000);
  const day = `${there.getUTCFullYear()}-${two(there.getUTCMonth() + 1)}-${two(there.getUTCDate())}`;
  return `${day}T${two(there.getUTCHours())}:${two(there.getUTCMinutes())}`;
}

function chip(type, name, value, label) {
  const box = h("input", { type, name, value: String(value) });
  return h("label.choice", box, h("span.choice-text", label));
}

export class VisitForm {
  constructor({ form, row, shared, vault, now, texts, onState, readOnly = false }) {
    Object.assign(this, { form, row, shared, vault, now, texts, onState, readOnly });
    this.key = `${row.household}:${row.campaign || ""}`;
    this.met = new Set(shared.met);
    this.openedAt = performance.now();
    this.part = "outcome";
    this.partAt = performance.now();
    this.timing = {};
    this.photo = null; // [digest, bytes]
    this.keeping = Promise.resolve();
    this.timeEdited = false;
  }

  async start() {
    this.fill();
    const draft = await this.vault.get("drafts", this.key);
    this.uuid = draft?.uuid || newNumber();
    this.form.elements.visited_at.value = localTime(this.now());
    if (draft) this.restore(draft.values);
    if (draft?.photo) await this.restorePhoto(draft.photo);
    this.form.noValidate = true;
    this.form.classList.add("is-live");
    this.form.addEventListener("change", (event) => this.changed(event));
    for (const kind of ["input", "change"]) this.form.addEventListener(kind, () => this.keepSoon());
    this.form.elements.problem_photo.addEventListener("change", (event) => this.takePhoto(event.target.files[0]));
    this.refresh();
    return Boolean(draft);
  }

  // The choices of the template's empty places.
  fill() {
    const { shared, row } = this;
    const into = (name, ...children) => {
      for (const place of this.form.querySelectorAll(`[data-fill="${name}"]`)) place.prepend(...children.map((one) => one(place)));
    };
    into("outcomes", ...shared.outcomes.map((one) => () => chip("radio", "outcome", one.code, one.label)));
    into("problem-roots", ...shared.problems.map((one) => () => chip("radio", "problem_root", one.code, one.name)));
    into(
      "problem-children",
      ...shared.problems
        .filter((root) => root.children.length)
        .map((root) => () => {
          const chips = root.children.map((child) => chip("radio", "problem_category", child.code, child.name));
          const label = h("p.problem-label", this.texts.moreExactly.replace("%s", root.name));
          return h("div.children", { "data-open-if": `problem_root=${root.code}` }, label, h("div.chips.chips--small", chips));
        }),
    );
    into("heard", ...shared.problems.map((one) => (place) => chip("radio", `${place.dataset.kind}_category`, one.code, one.name)));
    into("topics", ...shared.topics.map((one) => () => chip("checkbox", "topics", one.pk, one.name)));
    into("residents", ...(row.residents || []).map((one) => (place) => chip("radio", place.dataset.name, one.id, one.name)));
    into("relations", ...Object.entries(shared.relations).map(([code, label]) => () => h("option", { value: code }, label)));
    const none = this.form.querySelector('[name="change_relation"]');
    if (none) none.value = "";
  }

  chosen(name) {
    return this.form.querySelector(`input[name="${name}"]:checked`)?.value || "";
  }

  chosenAll(name) {
    return [...this.form.querySelectorAll(`input[name="${name}"]:checked`)].map((box) => box.value);
  }

  text(name) {
    return this.form.elements[name]?.value.trim() || "";
  }

  refresh() {
    for (const part of this.form.querySelectorAll("[data-open-if]")) {
      const [name, value] = part.dataset.openIf.split("=");
      part.hidden = this.chosen(name) !== value;
    }
    for (const part of this.form.querySelectorAll("[data-open-unless]")) {
      const [name, values] = part.dataset.openUnless.split("=");
      part.hidden = values.split(",").includes(this.chosen(name));
    }
  }

  changed(event) {
    const { name, value } = event.target;
    this.tick(PARTS[name] || (name.startsWith("problem") ? "problem" : "more"));
    if (name === "visited_at") this.timeEdited = true;
    if (name === "outcome") {
      if (!this.timeEdited) {
        this.form.elements.visited_at.value = localTime(this.now());
        this.timeEdited = true;
      }
      // nobody was met: a problem is rare, so it is not asked for; one tap says otherwise
      if (!this.met.has(value) && !this.chosen("problem")) {
        this.form.querySelector('[name="problem"][value="no"]').checked = true;
      }
    }
    if (name === "problem_root") {
      for (const child of this.form.querySelectorAll('[name="problem_category"]')) child.checked = false;
    }
    this.onState("");
    this.refresh();
  }

  // Seconds on each part, by a clock that nobody sets.
  tick(next) {
    const now = performance.now();
    this.timing[this.part] = (this.timing[this.part] || 0) + Math.round((now - this.partAt) / 1000);
    this.part = next;
    this.partAt = now;
  }

  keepSoon() {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.keep(), 300);
  }

  values() {
    const found = {};
    for (const [name, value] of new FormData(this.form)) {
      if (typeof value === "string" && !NOT_IN_DRAFT.has(name)) found[name] = [...(found[name] || []), value];
    }
    return found;
  }

  // One after the other, and none after the visit lies in the outbox: a draft that came back would be sent again.
  keep() {
    window.clearTimeout(this.timer);
    if (this.readOnly || this.isDone) return this.keeping;
    const write = () => {
      if (this.isDone) return undefined;
      const [photo = ""] = this.photo || [];
      return this.vault.put("drafts", this.key, { uuid: this.uuid, values: this.values(), photo });
    };
    this.keeping = this.keeping.then(write).catch(() => this.onState(this.texts.notKept, "bad"));
    return this.keeping;
  }

  restore(values) {
    for (const [name, list] of Object.entries(values)) {
      for (const field of this.form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
        if (field.type === "file") continue;
        const isChoice = field.type === "radio" || field.type === "checkbox";
        if (isChoice) field.checked = list.includes(field.value);
        else [field.value] = list;
        if ((isChoice ? field.checked : field.value) && !["visited_at", "change_resident"].includes(name)) {
          for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
        }
      }
    }
    this.timeEdited = Boolean(values.outcome);
  }

  async restorePhoto(digest) {
    const bytes = await this.vault.get("photos", photoKey(this.uuid, digest));
    if (bytes) this.showPhoto([digest, bytes]);
  }

  showPhoto(photo) {
    this.photo = photo;
    const label = this.form.querySelector("#photo-label");
    label.textContent = label.dataset.chosen;
  }

  // A photo is kept as soon as it is taken: nobody goes back for it.
  async takePhoto(file) {
    if (!file) return;
    const former = this.photo;
    let picture = file;
    try {
      const image = await createImageBitmap(file, { imageOrientation: "from-image" });
      const scale = Math.min(1, LONGEST_SIDE / Math.max(image.width, image.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(image.width * scale);
      canvas.height = Math.round(image.height * scale);
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      picture = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
    } catch {
      // the server reads the original, or says why not
    }
    const bytes = new Uint8Array(await picture.arrayBuffer());
    const digest = await sha256(bytes);
    if (former && former[0] !== digest) await this.vault.delete("photos", photoKey(this.uuid, former[0]));
    await this.vault.put("photos", photoKey(this.uuid, digest), bytes).catch(() => this.onState(this.texts.notKept, "bad"));
    this.showPhoto([digest, bytes]);
    await this.keep();
  }

  // What is missing, as [step, text]; null where the visit can be saved.
  missing() {
    if (!this.chosen("outcome")) return ["step-outcome", this.texts.outcome];
    if (this.met.has(this.chosen("outcome")) && !this.chosen("problem")) return ["step-problem", this.texts.problem];
    if (this.chosen("problem") === "yes") {
      const root = this.shared.problems.find((one) => one.code === this.chosen("problem_root"));
      if (!root) return ["problem", this.texts.problemKind];
      if (!this.text("problem_text")) return ["problem", this.texts.problemText];
    }
    return null;
  }

  payload() {
    this.tick(this.part);
    const items = [];
    const photos = [];
    if (this.chosen("problem") === "yes") {
      const item = {
        kind: "problem",
        category: this.chosen("problem_category") || this.chosen("problem_root"),
        text: this.text("problem_text"),
        urgent: this.chosen("problem_urgent") === "yes",
      };
      if (this.photo) {
        [item.photo_sha256] = this.photo;
        photos.push(this.photo);
      }
      items.push(item);
    }
    for (const kind of ["need", "opinion", "suggestion"]) {
      const text = this.text(`${kind}_text`);
      if (text) items.push({ kind, category: this.chosen(`${kind}_category`), text });
    }
    const change = {};
    for (const name of ["name", "relation", "phone"]) {
      const value = this.text(`change_${name}`);
      if (value) change[name] = value;
    }
    const whom = this.chosen("change_resident");
    if (Object.keys(change).length && whom && whom !== "new") change.resident = Number(whom);
    const met = this.chosen("resident");
    const isOpen = !["nobody_home", "away_long", "moved", "no_access", "leaflet_left"].includes(this.chosen("outcome"));
    const visit = {
      uuid: this.uuid,
      household: this.row.household,
      campaign: this.row.campaign || null,
      outcome: this.chosen("outcome"),
      visited_at: `${this.text("visited_at")}:00+08:00`,
      seconds: Math.round((performance.now() - this.openedAt) / 1000),
      resident: isOpen && met && met !== "other" ? Number(met) : null,
      met_other: isOpen && met === "other" ? this.text("met_other") : "",
      topics: this.chosenAll("topics").map(Number),
      note: this.text("note"),
      help_given: this.text("help_given"),
      appointment_at: this.text("appointment_at") ? `${this.text("appointment_at")}:00+08:00` : null,
      items,
      roster: Object.keys(change).length ? [change] : [],
      timing: this.timing,
    };
    if (this.row.lease) Object.assign(visit, { epoch: this.row.epoch, lease: this.row.lease });
    return { visit, photos };
  }

  // No draft is written from here on.
  async close() {
    this.isDone = true;
    window.clearTimeout(this.timer);
    await this.keeping;
  }

  async forget() {
    await this.close();
    const [photo] = this.photo || [];
    await this.vault.commit([["drafts", this.key, null], ...(photo ? [["photos", photoKey(this.uuid, photo), null]] : [])]);
  }
}

async function sha256(bytes) {
  const digest = new Uint8Array(await window.crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

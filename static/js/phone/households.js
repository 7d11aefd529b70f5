// My households in memory: taken from the store, brought up to date by the server's deltas, searched and put in order.

export const BUCKETS = 256;

const keyOf = (row) => `${row.household}:${row.campaign || ""}`;

export class Households {
  constructor(vault) {
    this.vault = vault;
    this.rows = [];
    this.byKey = new Map();
  }

  async load() {
    const buckets = await this.vault.all("buckets");
    this.set(buckets.flatMap(([, rows]) => rows));
  }

  set(rows) {
    this.rows = rows.sort(inDoorOrder);
    this.byKey = new Map(this.rows.map((row) => [keyOf(row), row]));
  }

  get(household, campaign) {
    const exact = this.byKey.get(`${household}:${campaign || ""}`);
    return exact || this.rows.find((row) => row.household === Number(household));
  }

  // The digests of my buckets, for the server to compare: XOR of the rows' digests, four bytes each.
  digests() {
    const sums = new Uint32Array(BUCKETS);
    for (const row of this.rows) sums[row.household % BUCKETS] ^= row.d;
    const bytes = new Uint8Array(BUCKETS * 4);
    const view = new DataView(bytes.buffer);
    sums.forEach((sum, bucket) => view.setUint32(bucket * 4, sum));
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return window.btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  // Buckets named in a delta are replaced whole.
  async apply(delta) {
    const stale = new Set(delta.buckets);
    if (!stale.size) return;
    const fresh = new Map(delta.buckets.map((bucket) => [bucket, []]));
    for (const row of delta.households) fresh.get(row.household % BUCKETS).push(row);
    await this.vault.putAll(
      "buckets",
      [...fresh].map(([bucket, rows]) => [bucket, rows.length ? rows : null]),
    );
    this.set([...this.rows.filter((row) => !stale.has(row.household % BUCKETS)), ...delta.households]);
  }

  async forget() {
    await this.vault.wipe(["buckets"]);
    this.set([]);
  }
}

// Priority households first, then as one walks from door to door; the same order as the server's list.
function inDoorOrder(one, other) {
  return (
    (other.priority || 0) - (one.priority || 0) ||
    (one.village_order || 0) - (other.village_order || 0) ||
    compare(one.door || "", other.door || "") ||
    one.household - other.household
  );
}

const compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

// Name, pinyin initials, door, group, number, or the end of a phone number; of the head or of anybody in the household.
export function search(rows, text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return rows;
  const isLatin = /^[a-z]+$/.test(wanted);
  const isPhone = /^\d{3,}$/.test(wanted);
  const fits = (person, name) =>
    (person[name] || "").includes(wanted) ||
    (isLatin && (person.pinyin || "").startsWith(wanted)) ||
    (isPhone && ((person.phone || "").endsWith(wanted) || (person.second_phone || "").endsWith(wanted)));
  return rows.filter(
    (row) =>
      fits(row, "head") ||
      (row.address || "").toLowerCase().includes(wanted) ||
      (row.group || "").includes(wanted) ||
      (row.number || "").endsWith(wanted) ||
      (row.residents || []).some((person) => fits(person, "name")),
  );
}

const TO_DO = new Set(["to_visit", "make_up"]);

export const isToDo = (row) => TO_DO.has(row.state) && !row.do_not_visit;
export const isDue = (row, today) => row.state === "make_up" && row.due_on <= today && !row.do_not_visit;

export function view(rows, name, today) {
  if (name === "todo") return rows.filter(isToDo);
  if (name === "due") return rows.filter((row) => isDue(row, today)).sort((a, b) => compare(a.due_on, b.due_on));
  if (name === "met") return rows.filter((row) => row.state === "met");
  if (name === "paired") return rows.filter((row) => row.paired);
  return rows.filter((row) => row.campaign);
}

// Drafts of visits on this phone: what was written before it was saved. Kept by account and household, for a week at
// most, without anything that looks like an ID number, and gone as soon as the server has given a receipt.
const PREFIX = "visit-draft:";
const KEEP = 7 * 24 * 3600 * 1000;
const ID_NUMBER = /\d{14,17}[\dXx]/g;

function storage() {
  try {
    return window.localStorage;
  } catch {
    return null; // a web view that forbids it: the page works without drafts
  }
}

export function saveDraft(key, values) {
  const clean = Object.fromEntries(
    Object.entries(values).map(([name, list]) => [name, list.map((text) => text.replace(ID_NUMBER, ""))]),
  );
  try {
    storage()?.setItem(key, JSON.stringify({ at: Date.now(), values: clean }));
  } catch {
    // full: the draft is lost with the page, the page itself is not
  }
}

export function loadDraft(key) {
  try {
    const draft = JSON.parse(storage()?.getItem(key) || "null");
    return draft && Date.now() - draft.at < KEEP ? draft.values : null;
  } catch {
    return null;
  }
}

export function wipeDraft(key) {
  storage()?.removeItem(key);
}

// Drafts of somebody else who used this phone, and old ones.
export function wipeForeignDrafts(user) {
  const store = storage();
  if (!store) return;
  for (const key of Object.keys(store)) {
    if (key.startsWith(PREFIX) && (!key.startsWith(`${PREFIX}${user}:`) || !loadDraft(key))) store.removeItem(key);
  }
}

const script = document.querySelector("script[data-user]");
if (script) wipeForeignDrafts(script.dataset.user);

// The phone's app: my list, a household with its form, a survey, the outbox; all from the store, with or without
// signal. Addresses stand behind the #, so that one page kept by the service worker serves them all.
import { askSurvey } from "../survey.js";
import { askWish, isUnsatisfied } from "../survey-wish.js";
import { h, icon, setSprite } from "./dom.js";
import { Households, isToDo, search, view } from "./households.js";
import { LoginNeeded, Outbox, request } from "./outbox.js";
import { USER, isSupported, leave, openVault, vaultUsers } from "./vault.js";
import { VisitForm, localTime, newNumber } from "./visit.js";

const root = document.getElementById("app");
const urls = root.dataset;
const texts = JSON.parse(document.getElementById("app-texts").textContent);
const title = document.querySelector(".phonebar-title");
const back = document.querySelector(".phonebar-back");
const actions = document.querySelector(".phonebar-actions");
const foot = document.getElementById("app-foot");
const EVERY = 60_000;
const ROWS = 40;
const WARN_DAYS = 2;
const LOW_QUOTA = 0.8;

setSprite(urls.icons);

const say = (name, ...values) => values.reduce((text, value) => text.replace("%s", value), texts[name] || name);

let vault = null;
let households = null;
let outbox = null;
let meta = { shared: null, user: null, lastSync: 0, offset: 0, visits: [] };
let page = null; // what the page shown must do before it goes: keep its draft
let readOnlyLock = null;
let isRefreshing = false;
let isWantedAgain = false;

// ---- starting

async function start() {
  if (!isSupported()) return window.location.replace(urls.listUrl);
  const user = storage()?.getItem(USER);
  if (user) await open(user);
  window.addEventListener("hashchange", route);
  for (const event of ["online", "focus"]) window.addEventListener(event, () => sync());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") page?.keep?.();
    else sync();
  });
  window.addEventListener("pagehide", () => page?.keep?.());
  window.setInterval(() => sync(), EVERY);
  await route();
  registerWorker();
  await sync({ force: true });
  navigator.storage?.persist?.().catch(() => false);
}

function storage() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

async function open(user) {
  vault = await openVault(user);
  households = new Households(vault);
  outbox = new Outbox(vault, { syncUrl: urls.syncUrl, photoUrl: urls.photoUrl, onChange: showState });
  meta = { ...meta, ...((await vault.get("meta", "meta")) || {}) };
  if (meta.leaseUntil && now() > Date.parse(meta.leaseUntil)) await leaseEnded();
  await households.load();
}

// Too long without the server: what could be somebody else's by now goes; what was written here stays.
async function leaseEnded() {
  await vault.wipe(["buckets"]);
  meta = { ...meta, visits: [], leaseUntil: null, wiped: true };
  await vault.put("meta", "meta", meta);
}

// The server's time as far as it is known: a phone's clock may be wrong, or be set while the page is open.
const openedAt = { wall: Date.now(), steady: performance.now() };
const now = () => openedAt.wall + (performance.now() - openedAt.steady) - (meta.offset || 0);
const today = () => localTime(now()).slice(0, 10);

// ---- the server

async function sync({ force = false } = {}) {
  if (isRefreshing) {
    isWantedAgain ||= force; // asked for while one is on its way: that one may fail yet
    return;
  }
  isRefreshing = true;
  try {
    // after a login the data come first: with them comes the token that sending needs
    if (outbox && (outbox.state === "login" || !hasToken())) await refresh();
    const arrived = outbox ? await outbox.flush({ force }) : false;
    if (force || arrived || Math.abs(Date.now() - meta.lastSync) > 5 * EVERY) await refresh();
  } catch (error) {
    if (error instanceof LoginNeeded && outbox) outbox.setState("login");
    if (error instanceof LoginNeeded && !outbox) window.location.assign(urls.loginUrl);
    if (!vault) showNothingYet();
  } finally {
    isRefreshing = false;
    showState();
    if (isWantedAgain) {
      isWantedAgain = false;
      sync({ force: true });
    }
  }
}

const hasToken = () => document.cookie.includes("csrftoken=");

async function refresh() {
  const query = new URLSearchParams();
  if (households?.rows.length) query.set("have", households.digests());
  if (meta.sharedDigest && meta.shared) query.set("shared", meta.sharedDigest);
  const asked = Date.now();
  const response = await request(`${urls.dataUrl}?${query}`, {});
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const data = await response.json();
  if (!vault || vault.user !== String(data.user.id)) return becomeSomebody(data);
  await households.apply(data);
  meta = {
    ...meta,
    user: data.user,
    shared: data.shared || meta.shared,
    sharedDigest: data.shared_digest,
    visits: data.visits,
    leaseUntil: data.lease_until,
    lastSync: asked,
    wiped: false,
    offset: Math.round((asked + Date.now()) / 2 - Date.parse(data.now)),
  };
  openedAt.wall = Date.now();
  openedAt.steady = performance.now();
  await vault.put("meta", "meta", meta);
  if (!page || page.isList) await route();
  return undefined;
}

// Another account has logged in on this phone: the lists of the one before go, what he has not sent stays locked away.
async function becomeSomebody(data) {
  for (const user of await vaultUsers()) {
    if (user !== String(data.user.id)) await leave(user);
  }
  storage()?.setItem(USER, String(data.user.id));
  meta = { shared: null, user: null, lastSync: 0, offset: 0, visits: [] };
  await open(String(data.user.id));
  await refresh();
  await route();
}

// ---- pages

async function route() {
  await page?.keep?.();
  page?.leave?.();
  page = null;
  if (!vault || !meta.shared) return showNothingYet();
  const [name, ...rest] = window.location.hash.replace(/^#\/?/, "").split("/");
  const pages = { h: showHousehold, s: showSurvey, outbox: showOutbox };
  await (pages[name] || showList)(...rest.map(decodeURIComponent));
  await showState();
  window.scrollTo(0, 0);
  return undefined;
}

function head(text, { backTo = "", buttons = [] } = {}) {
  title.textContent = text;
  document.title = text;
  back.replaceChildren(
    ...(backTo ? [h("a", { href: backTo, "aria-label": say("back") }, icon("chevron-left", "large"))] : []),
  );
  actions.replaceChildren(...buttons);
  foot.replaceChildren();
}

function showNothingYet() {
  head(say("myList"));
  root.replaceChildren(
    h("div.empty", icon("clipboard", "huge"), h("p.empty-title", say("nothingYet")), h("p", say("nothingYetHint"))),
  );
}

// Visits that wait to be sent show at once as what they will be.
async function rowsWithMine() {
  const mine = new Map();
  for (const one of await outbox.entries()) {
    if (one.kind !== "visit" || one.state === "sent") continue;
    const { body } = await outbox.read(one.key);
    mine.set(`${body.household}:${body.campaign || ""}`, { body, state: one.state });
  }
  return households.rows.map((row) => {
    const found = mine.get(`${row.household}:${row.campaign || ""}`);
    return found ? { ...row, ...asIfVisited(row, found.body), waiting: found.state } : row;
  });
}

const MAKE_UP = new Set(["partly_met", "come_back", "nobody_home", "no_access", "leaflet_left"]);
const CONFIRM = new Set(["away_long", "moved"]);

function asIfVisited(row, visit) {
  const state = visit.outcome === "met" || row.state === "met" ? "met" : MAKE_UP.has(visit.outcome) ? "make_up" : CONFIRM.has(visit.outcome) ? "to_confirm" : "refused";
  const day = visit.visited_at.slice(0, 10);
  const later = meta.shared.workdays.filter((one) => one > day);
  const campaign = meta.shared.campaigns.find((one) => one.id === row.campaign);
  const due = visit.appointment_at?.slice(0, 10) || later[(campaign?.makeup_workdays || 5) - 1];
  return { state, last_outcome: visit.outcome, due_on: state === "make_up" ? due : undefined, last_visit_at: visit.visited_at };
}

async function showList(name = "todo") {
  const rows = await rowsWithMine();
  const day = today();
  const names = ["todo", "due", "met", "all", ...(rows.some((row) => row.paired) ? ["paired"] : [])];
  const chosen = names.includes(name) ? name : "todo";
  head(say("myList"), {
    buttons: [h("a", { href: urls.standardUrl, "aria-label": say("standard") }, icon("help", "large"))],
  });
  const all = rows.filter((row) => row.campaign);
  const list = h("div.door-rows");
  const box = h("input.input", {
    type: "search",
    maxlength: "40",
    enterkeyhint: "search",
    autocomplete: "off",
    autocapitalize: "none",
    "aria-label": say("search"),
    placeholder: say("searchHint"),
    oninput: () => fill(),
  });
  const fill = () => {
    const text = box.value;
    // whoever looks for a name wants to find it, met or not
    const found = text.trim() ? search(rows, text) : view(rows, chosen, day);
    showRows(list, found, 0, text.trim() ? "search" : chosen);
  };
  const chips = names.map((one) =>
    h(
      "a.view-chip",
      { href: `#/${one}`, "aria-current": one === chosen ? "page" : undefined },
      say(`view_${one}`),
      h("span.view-chip-count", String(view(rows, one, day).length)),
    ),
  );
  root.replaceChildren(
    await notices(),
    h("p.my-progress", h("strong", String(all.filter((row) => row.state === "met").length)), say("ofMet", all.length)),
    h("div.search-bar", { role: "search" }, icon("search"), box),
    h("nav.view-chips", { "aria-label": say("which") }, chips),
    list,
  );
  fill();
  page = { isList: true };
}

function showRows(list, rows, from, name) {
  const shown = rows.slice(from, from + ROWS).map(doorRow);
  if (from === 0) list.replaceChildren();
  else list.lastChild.remove();
  if (!rows.length) {
    list.append(h("div.empty", icon(name === "todo" ? "check-circle" : "search", "huge"), h("p.empty-title", say(`none_${name}`))));
    return;
  }
  list.append(h("ul.list.door-list", shown));
  if (from + ROWS < rows.length) {
    const more = () => showRows(list, rows, from + ROWS, name);
    list.append(h("button.button.button--secondary.button--wide.more-rows", { type: "button", onclick: more }, say("more")));
  }
}

function tags(row) {
  const names = meta.shared.household_categories;
  return (row.categories || []).map((code) => h("span.door-tag", names[code] || code));
}

const place = (row) => `${row.village} ${row.address || row.group || ""}`;

function doorRow(row) {
  return h(
    "li.list-row",
    h(
      "a.list-link.door",
      { href: `#/h/${row.household}/${row.campaign || ""}` },
      h("span.list-main", h("span.door-name", row.head, tags(row)), h("span.door-place", place(row)), doorState(row)),
      icon("chevron-right"),
    ),
  );
}

const monthDay = (day) => say("monthDay", Number(day.slice(5, 7)), Number(day.slice(8, 10)));

function doorState(row) {
  const line = (tone, name, text) => h(`span.door-state${tone ? `.door-state--${tone}` : ""}`, icon(name), text);
  const parts = [];
  if (row.do_not_visit) parts.push(line("bad", "ban", say("wish")));
  else if (row.state === "met") parts.push(line("good", "check-circle", say("state_met")));
  else if (row.state === "make_up" && row.due_on) {
    const day = today();
    const band = row.band ? ` · ${meta.shared.bands[row.band] || ""}` : "";
    if (row.due_on < day) parts.push(line("bad", "clock", say("makeUpWas", monthDay(row.due_on)) + band));
    else if (row.due_on === day) parts.push(line("warn", "clock", say("makeUpToday") + band));
    else parts.push(line("warn", "undo", say("makeUpBy", monthDay(row.due_on)) + band));
  } else if (row.state === "to_visit") {
    if (row.best_time) parts.push(line("", "clock", say("bestTime", meta.shared.bands[row.best_time] || "")));
  } else if (row.state) parts.push(line("", "info", meta.shared.states[row.state]));
  if (row.waiting) {
    parts.push(row.waiting === "refused" ? line("bad", "alert", say("refusedHere")) : line("warn", "upload", say("waitingHere")));
  }
  return parts;
}

// ---- a household and its form

async function showHousehold(household, campaign = "") {
  const row = households.get(household, campaign);
  if (!row) return showList();
  const [shown] = (await rowsWithMine()).filter((one) => one.household === row.household && one.campaign === row.campaign);
  const phone = row.phone || (row.residents || []).map((one) => one.phone).find(Boolean);
  head(row.head, {
    backTo: "#/",
    buttons: phone ? [h("a.call-button", { href: `tel:${phone}`, "aria-label": say("call", row.head) }, icon("phone", "large"))] : [],
  });
  const visits = meta.visits.filter((one) => one.household === row.household).slice(0, 3);
  const outcomes = Object.fromEntries(meta.shared.outcomes.map((one) => [one.code, one.label]));
  const facts = h(
    "ul.who-facts",
    doorState(shown).map((one) => h("li", one)),
    row.appointment_at && h("li.is-strong", icon("calendar"), h("span", say("appointment", localTime(Date.parse(row.appointment_at)).replace("T", " ")))),
    visits.map((one) => h("li", icon("history"), h("span", say("ownVisit", monthDay(localTime(Date.parse(one.visited_at))), outcomes[one.outcome])))),
    row.follow_up && h("li.is-strong", icon("message"), h("span", say("followUp", monthDay(row.follow_up.due_on), row.follow_up.text))),
    row.note && h("li", icon("info"), h("span", row.note)),
  );
  const people = (row.residents || []).map((one) =>
    h(
      "li",
      h("span", one.name, " ", h("span.muted", meta.shared.relations[one.relation] || "")),
      one.phone && h("a.call", { href: `tel:${one.phone}` }, icon("phone"), one.phone),
    ),
  );
  const who = h(
    "section.who",
    { "aria-label": say("household") },
    h("p.who-place", icon("map-pin"), place(row)),
    h("p.who-tags", tags(row)),
    row.do_not_visit && h("div.alert.alert--bad", h("p", say("wishWhy", row.do_not_visit))),
    facts,
    h("details.fold.fold--plain", h("summary", say("people", people.length)), h("ul.people", people)),
  );
  root.replaceChildren(await notices(), who);
  if (row.do_not_visit) return undefined;
  if (shown.waiting) {
    root.append(h("p.app-note", say(shown.waiting === "refused" ? "refusedLong" : "waitingLong"), " ", h("a.text-link", { href: "#/outbox" }, say("outbox"))));
    return undefined;
  }
  await showForm(row);
  return undefined;
}

async function showForm(row) {
  for (const one of meta.shared.rounds.filter((each) => !each.campaign || each.campaign === row.campaign)) {
    root.append(
      h("a.button.button--secondary.button--wide", { href: `#/s/${one.id}/${row.household}` }, icon("clipboard"), h("span", say("askSurvey", one.name))),
    );
  }
  const form = document.getElementById("visit-template").content.firstElementChild.cloneNode(true);
  const status = h("p.save-state", { id: "save-state", role: "status" });
  const save = h("button.button.button--primary.button--wide", { type: "submit" }, icon("check"), h("span", say("save")));
  save.setAttribute("form", "visit");
  foot.replaceChildren(h("div.action-bar.action-bar--visit", status, save));
  status.hidden = true;
  const onState = (text, tone = "") => {
    status.textContent = text;
    status.className = tone ? `save-state save-state--${tone}` : "save-state";
    status.hidden = !text;
  };
  root.append(form);
  const isMine = await takeForm(row);
  const visit = new VisitForm({ form, row, shared: meta.shared, vault, now, texts, onState, readOnly: !isMine });
  const hadDraft = await visit.start();
  if (!isMine) {
    for (const field of form.elements) field.disabled = true;
    save.disabled = true;
    onState(say("otherTab"), "bad");
  } else if (hadDraft) {
    const note = form.querySelector("#restored");
    note.querySelector("span").textContent = say("restored");
    note.hidden = false;
    note.querySelector("button").addEventListener("click", async () => {
      await visit.forget();
      await route();
    });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (isMine) saveVisit(visit, onState);
  });
  page = { keep: () => visit.keep(), leave: releaseForm };
}

// One tab writes a household's visit; a second one may look.
async function takeForm(row) {
  if (!navigator.locks) return true;
  const name = `visit-${vault.user}-${row.household}-${row.campaign || ""}`;
  return new Promise((resolve) => {
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      resolve(Boolean(lock));
      return lock && new Promise((release) => (readOnlyLock = release));
    });
  });
}

function releaseForm() {
  readOnlyLock?.();
  readOnlyLock = null;
}

async function saveVisit(visit, onState) {
  const missing = visit.missing();
  if (missing) {
    const step = document.getElementById(missing[0]);
    onState(missing[1], "bad");
    step.scrollIntoView({ block: "center", behavior: "smooth" });
    step.querySelector("input, textarea")?.focus({ preventScroll: true });
    return;
  }
  if (visit.isSaving) return;
  visit.isSaving = true;
  try {
    const { visit: body, photos } = visit.payload();
    await visit.close();
    await outbox.add("visit", body.uuid, body, { household: body.household, photos, draft: visit.key });
  } catch (error) {
    Object.assign(visit, { isSaving: false, isDone: false });
    onState(say(error.name === "QuotaExceededError" ? "full" : "notKept"), "bad");
    return;
  }
  window.location.hash = "#/";
  sync();
}

// ---- a survey at the door

async function showSurvey(id, household) {
  const round = meta.shared.rounds.find((one) => one.id === Number(id));
  const row = households.get(household);
  if (!round || !row) return showList();
  const leave = `#/h/${row.household}/${row.campaign || ""}`;
  head(round.name, { backTo: leave });
  const key = `survey:${round.id}:${row.household}`;
  const survey = h("div.survey", { id: "survey", tabindex: "-1" });
  root.replaceChildren(survey);
  let wish; // once decided it stays, though keeping the answers must be tried again
  await askSurvey(survey, {
    content: round.content,
    texts: { ...texts.survey, anonymous: round.is_anonymous ? texts.survey.anonymous : "" },
    places: [],
    about: { choosesPlace: false, ...texts.about },
    number: newNumber(),
    store: {
      load: () => vault.get("drafts", key),
      save: (state) => vault.put("drafts", key, state),
      wipe: () => vault.delete("drafts", key),
    },
    async send({ number, ...sending }) {
      if (wish === undefined) {
        const choice = { texts: texts.wish, categories: meta.shared.problems, canVisit: !row.do_not_visit, isAnonymous: round.is_anonymous };
        wish = isUnsatisfied(round.content, sending.answers) ? await askWish(survey, choice) : null;
      }
      const body = { number, round: round.id, household: row.household, assisted: true, answered_on: today(), ...sending };
      if (wish) body.wish = wish;
      await outbox.add("answers", number, body);
      sync();
      return { ok: true, message: say("surveyKept") };
    },
  });
  survey.addEventListener("survey:done", () => {
    foot.replaceChildren(h("div.action-bar", h("a.button.button--primary.button--wide", { href: leave }, say("backToVisit"))));
  });
  page = {};
  return undefined;
}

// ---- the outbox

async function showOutbox() {
  head(say("outbox"), { backTo: "#/" });
  const entries = (await outbox.entries()).reverse();
  const rows = [];
  for (const one of entries) rows.push(await outboxRow(one));
  const waiting = entries.filter((one) => one.state !== "sent");
  root.replaceChildren(
    await notices(),
    h("p.my-progress", waiting.length ? say("waitingCount", waiting.length) : say("allSent")),
    h("p.muted", meta.lastSync ? say("lastSync", localTime(meta.lastSync - meta.offset).replace("T", " ")) : say("neverSynced")),
    rows.length ? h("ul.list", rows) : h("div.empty", icon("check-circle", "huge"), h("p.empty-title", say("outboxEmpty"))),
    h("button.button.button--primary.button--wide", { type: "button", onclick: () => sync({ force: true }).then(route) }, icon("upload"), h("span", say("sendNow"))),
    waiting.length > 0 && h("button.button.button--quiet.button--wide", { type: "button", onclick: saveFile }, icon("download"), h("span", say("saveFile"))),
    waiting.length > 0 && h("p.muted", say("saveFileHint")),
  );
  page = { isList: true };
}

async function outboxRow(one) {
  const row = one.household ? households.get(one.household) : null;
  const label = one.kind === "answers" ? say("kindAnswers") : row ? `${row.head} · ${place(row)}` : say("kindVisit");
  const states = {
    waiting: ["warn", "upload", say("stateWaiting")],
    refused: ["bad", "alert", one.message || say("stateRefused")],
    sent: ["good", "check-circle", one.result === "conflict kept" ? one.message : say("stateSent", (one.issues || []).join("、"))],
  };
  const [tone, name, text] = states[one.state];
  const time = localTime(one.at - (meta.offset || 0)).slice(5).replace("T", " ");
  const fixes =
    one.state === "refused" &&
    h(
      "span.app-fixes",
      one.kind === "visit" && row && h("button.button.button--secondary.button--small", { type: "button", onclick: () => mend(one) }, say("mend")),
      h("button.button.button--secondary.button--small", { type: "button", onclick: () => outbox.retry(one.key).then(() => sync({ force: true })).then(route) }, say("again")),
      h("button.button.button--quiet.button--small", { type: "button", onclick: () => drop(one) }, say("drop")),
    );
  return h(
    "li.list-row.app-entry",
    h("span.list-main", h("span.door-name", label), h(`span.door-state.door-state--${tone}`, icon(name), text), h("span.muted", time), fixes),
  );
}

// A refused visit becomes a draft again, under the same number: nothing of it was stored.
async function mend(one) {
  const { body } = await outbox.read(one.key);
  let photo = "";
  const values = {
    outcome: [body.outcome],
    visited_at: [body.visited_at.slice(0, 16)],
    problem: [body.items.some((item) => item.kind === "problem") ? "yes" : "no"],
    resident: body.resident ? [String(body.resident)] : body.met_other ? ["other"] : [],
    met_other: [body.met_other],
    topics: body.topics.map(String),
    note: [body.note],
    help_given: [body.help_given],
    appointment_at: [(body.appointment_at || "").slice(0, 16)],
  };
  for (const item of body.items) {
    values[`${item.kind}_text`] = [item.text];
    if (item.kind !== "problem") values[`${item.kind}_category`] = [item.category];
    else {
      const parent = meta.shared.problems.find((each) => each.children.some((child) => child.code === item.category));
      values.problem_root = [parent ? parent.code : item.category];
      values.problem_category = [item.category];
      if (item.urgent) values.problem_urgent = ["yes"];
      photo = item.photo_sha256;
    }
  }
  const [change] = body.roster;
  if (change) {
    for (const name of ["name", "relation", "phone"]) if (change[name]) values[`change_${name}`] = [change[name]];
    values.change_resident = [String(change.resident || "new")];
  }
  await outbox.reopen(one.key, `${body.household}:${body.campaign || ""}`, { uuid: body.uuid, values, photo });
  window.location.hash = `#/h/${body.household}/${body.campaign || ""}`;
}

async function drop(one) {
  if (!window.confirm(say("dropSure"))) return;
  await outbox.discard(one.key);
  await route();
}

async function saveFile() {
  const content = JSON.stringify(await outbox.file(meta.user));
  const link = h("a", { href: URL.createObjectURL(new Blob([content], { type: "application/json" })) });
  link.download = `${say("fileName")}-${meta.user.staff_number}-${today()}.json`;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// ---- what a visitor must know

async function notices() {
  const found = [];
  const note = (tone, text, ...more) => found.push(h(`div.alert.alert--${tone}`, h("p", text, ...more)));
  const waiting = await outbox.count();
  const days = meta.lastSync ? Math.floor((Date.now() - meta.lastSync) / 86_400_000) : 0;
  if (outbox.state === "login") note("bad", say("loginAgain"), " ", h("a.text-link", { href: urls.loginUrl }, say("login")));
  if (meta.wiped) note("info", say("wiped"));
  if (waiting && days >= WARN_DAYS) note("bad", say("longSince", days, waiting));
  if (waiting && (await isRisky())) note("warn", say("risky"), " ", h("a.text-link", { href: "#/outbox" }, say("saveFile")));
  if (await isNearlyFull()) note("warn", say("nearlyFull"));
  if (!("serviceWorker" in navigator)) note("info", say("noWorker"));
  for (const user of await vaultUsers()) {
    if (user === vault.user) continue;
    const others = (await (await openVault(user)).index("outbox")).filter((one) => one.state !== "sent");
    if (others.length) note("warn", say("otherPerson", others.length));
  }
  return h("div.app-notices", { "aria-live": "polite" }, found);
}

const isInstalled = () => window.matchMedia("(display-mode: standalone)").matches;

// The system may clear the storage of a page that is neither installed nor marked to be kept.
async function isRisky() {
  if (isInstalled()) return false;
  return !(await navigator.storage?.persisted?.().catch(() => false));
}

async function isNearlyFull() {
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.().catch(() => ({}))) || {};
  return quota > 0 && usage / quota > LOW_QUOTA;
}

const dot = document.getElementById("app-sync");

async function showState() {
  if (!outbox) return;
  const waiting = await outbox.count();
  const refused = (await outbox.entries()).filter((one) => one.state === "refused").length;
  const [tone, text] =
    outbox.state === "login" ? ["bad", say("syncLogin")]
    : refused ? ["bad", say("syncRefused", refused)]
    : outbox.state === "sending" ? ["warn", say("syncSending")]
    : waiting ? ["warn", say("syncWaiting", waiting)]
    : outbox.state === "offline" ? ["", say("syncOffline")]
    : ["good", say("syncDone")];
  dot.className = `app-sync${tone ? ` app-sync--${tone}` : ""}`;
  dot.textContent = text;
}

// ---- the service worker

function registerWorker() {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register(urls.workerUrl).then((registration) => {
    const take = (worker) =>
      worker?.addEventListener("statechange", () => {
        if (worker.state === "installed" && navigator.serviceWorker.controller) whenIdle(() => worker.postMessage("take over"));
      });
    const { waiting } = registration;
    if (waiting && navigator.serviceWorker.controller) whenIdle(() => waiting.postMessage("take over"));
    take(registration.installing);
    registration.addEventListener("updatefound", () => take(registration.installing));
    window.setInterval(() => registration.update().catch(() => {}), 30 * EVERY);
  }, () => {});
  let isFirst = !navigator.serviceWorker.controller;
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (isFirst) isFirst = false;
    else whenIdle(() => window.location.reload());
  });
}

// A new version is taken when nothing is being written: on a list, or as soon as one is shown; in every tab for itself.
function whenIdle(work) {
  const timer = window.setInterval(() => {
    if (page && !page.isList) return;
    window.clearInterval(timer);
    work();
  }, 1000);
}

start();

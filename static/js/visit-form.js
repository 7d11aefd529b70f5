// The form of a visit: opens what belongs to the choice, keeps a draft on the phone, makes the photo small, and sends
// without leaving the page until the server has given a receipt. Without this script the form is sent as it is.
import { loadDraft, saveDraft, wipeDraft, wipeForeignDrafts } from "./visit-drafts.js";

const form = document.getElementById("visit");
const texts = form.dataset;
const key = texts.draft;
const met = new Set(texts.met.split(" "));
const state = document.getElementById("save-state");
const openedAt = performance.now();
// The phone's clock may be wrong: time runs on from the server's.
const serverNow = Date.parse(texts.now);
const NOT_IN_DRAFT = new Set(["csrfmiddlewaretoken", "campaign", "problem_photo"]);
const LONGEST_SIDE = 1600;
let photo = null;
let timeEdited = false;

form.noValidate = true;
form.classList.add("is-live");
wipeForeignDrafts(texts.user);

const chosen = (name) => form.querySelector(`input[name="${name}"]:checked`)?.value || "";

// The district's clock, whatever zone the phone is set to: the server's time carries its offset.
const [, sign, hours, minutes] = texts.now.match(/([+-])(\d\d):(\d\d)$/) || [null, "+", "0", "0"];
const offset = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60000;

function districtTime(milliseconds) {
  return new Date(milliseconds + offset).toISOString().slice(0, 16);
}

function refresh() {
  for (const part of form.querySelectorAll("[data-open-if]")) {
    const [name, value] = part.dataset.openIf.split("=");
    part.hidden = chosen(name) !== value;
  }
  for (const part of form.querySelectorAll("[data-open-unless]")) {
    const [name, values] = part.dataset.openUnless.split("=");
    part.hidden = values.split(",").includes(chosen(name));
  }
}

function say(text, tone = "") {
  state.textContent = text;
  state.className = tone ? `save-state save-state--${tone}` : "save-state";
  state.hidden = !text;
}

function ask(step, text) {
  say(text, "bad");
  const element = document.getElementById(step);
  element.scrollIntoView({ block: "center", behavior: "smooth" });
  element.querySelector("input").focus({ preventScroll: true });
}

function values() {
  const found = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && !NOT_IN_DRAFT.has(name)) found[name] = [...(found[name] || []), value];
  }
  return found;
}

function restore(draft) {
  for (const [name, list] of Object.entries(draft)) {
    const [first, ...others] = form.querySelectorAll(`[name="${CSS.escape(name)}"]`);
    if (!first || first.type === "file") continue;
    for (const field of [first, ...others]) {
      if (field.type === "radio" || field.type === "checkbox") field.checked = list.includes(field.value);
      else field.value = list[0];
      const filled = field.type === "radio" || field.type === "checkbox" ? field.checked : field.value;
      if (filled && !["visited_at", "change_resident"].includes(name)) {
        for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
      }
    }
  }
  timeEdited = true;
}

async function shrink(file) {
  const image = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONGEST_SIDE / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(image.width * scale);
  canvas.height = Math.round(image.height * scale);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
}

function cookie(name) {
  return document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
}

async function send() {
  const data = new FormData(form);
  if (photo) data.set("problem_photo", photo, "photo.jpg");
  // after a new login in another tab the token of this page is stale, the cookie's is not
  const token = cookie("csrftoken");
  if (token && token.length === data.get("csrfmiddlewaretoken").length) data.set("csrfmiddlewaretoken", token);
  const response = await fetch(form.action, { method: "POST", body: data, headers: { Accept: "application/json" } });
  const isJson = (response.headers.get("content-type") || "").includes("application/json");
  if (response.redirected || (response.status === 403 && !isJson)) return { message: texts.textLogin };
  return isJson ? response.json() : { message: texts.textError };
}

form.addEventListener("change", (event) => {
  const { name, value } = event.target;
  if (name === "visited_at") timeEdited = true;
  if (name === "outcome") {
    if (!timeEdited) {
      form.elements.visited_at.value = districtTime(serverNow + performance.now() - openedAt);
      timeEdited = true;
    }
    // Nobody was met: a problem is rare, so it is not asked for; one tap says otherwise.
    if (!met.has(value) && !chosen("problem")) form.querySelector('[name="problem"][value="no"]').checked = true;
    if (met.has(value)) document.getElementById("step-problem").scrollIntoView({ block: "nearest", behavior: "smooth" });
  }
  if (name === "problem_root") {
    for (const child of form.querySelectorAll('[name="problem_category"]')) child.checked = false;
  }
  say("");
  refresh();
  if (name === "problem" && value === "yes") {
    document.getElementById("problem").scrollIntoView({ block: "nearest", behavior: "smooth" });
  }
});

form.elements.problem_photo.addEventListener("change", async (event) => {
  const [file] = event.target.files;
  photo = null;
  if (!file) return;
  document.getElementById("photo-label").textContent = document.getElementById("photo-label").dataset.chosen;
  try {
    photo = await shrink(file);
  } catch {
    photo = null; // the server reads the original, or says why not
  }
});

for (const kind of ["input", "change"]) form.addEventListener(kind, () => saveDraft(key, values()));

// Issues that look like this problem: asked for only with a signal, a moment after the last key; an answer that comes
// late, or never, holds up nothing.
const alike = document.getElementById("alike");
const ABOUT_PROBLEM = ["csrfmiddlewaretoken", "problem_root", "problem_category", "problem_text"];
let alikeTimer = 0;
let alikeAsked = 0;

async function showAlike() {
  const asked = (alikeAsked += 1);
  const data = new FormData();
  for (const [name, value] of new FormData(form)) if (ABOUT_PROBLEM.includes(name)) data.append(name, value);
  if (chosen("problem") !== "yes" || !navigator.onLine) return alike.replaceChildren();
  try {
    const response = await fetch(alike.dataset.url, { method: "POST", body: data, signal: AbortSignal.timeout(8000) });
    const text = response.ok && !response.redirected ? await response.text() : "";
    if (asked !== alikeAsked) return;
    alike.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
  } catch {
    if (asked === alikeAsked) alike.replaceChildren();
  }
}

for (const kind of ["input", "change"]) {
  document.getElementById("problem").addEventListener(kind, (event) => {
    if (!ABOUT_PROBLEM.includes(event.target.name)) return;
    clearTimeout(alikeTimer);
    alikeTimer = setTimeout(showAlike, 700);
  });
}

let isSending = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (isSending) return;
  const outcome = chosen("outcome");
  if (!outcome) return ask("step-outcome", texts.textOutcome);
  if (met.has(outcome) && !chosen("problem")) return ask("step-problem", texts.textProblem);
  // once: the same visit sent again must have the same content
  const { seconds } = form.elements;
  seconds.value = seconds.value || Math.round((performance.now() - openedAt) / 1000);
  saveDraft(key, values());
  isSending = true;
  say(texts.textSaving);
  try {
    const receipt = await send();
    if (receipt.next) {
      wipeDraft(key);
      window.location.assign(receipt.next);
      return;
    }
    say(receipt.message || texts.textError, "bad");
  } catch {
    say(texts.textOffline, "bad");
  }
  isSending = false;
});

document.getElementById("forget").addEventListener("click", () => {
  wipeDraft(key);
  window.location.reload();
});

window.addEventListener("pageshow", (event) => {
  if (event.persisted) isSending = false;
});

const draft = loadDraft(key);
if (draft) {
  restore(draft);
  const note = document.getElementById("restored");
  note.querySelector("span").textContent = texts.textRestored;
  note.hidden = false;
} else if (!form.querySelector('[name="outcome"]:checked')) {
  // a reload keeps old choices in some browsers, but not the number they were made under
  form.reset();
}
refresh();

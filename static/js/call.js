// One call at the phone desk: the questions are asked once the respondent agrees, kept on this page until they are sent.
import { askSurvey } from "./survey.js";
import { askWish, isUnsatisfied } from "./survey-wish.js";

const holder = document.getElementById("call");
const root = document.getElementById("survey");
const before = document.getElementById("call-before");
const data = JSON.parse(document.getElementById("call-data").textContent);
let wish; // what was decided stays decided when sending has to be tried again

// A reload of the page within the call loses nothing; the key dies with the tab.
const store = {
  load() {
    try {
      return JSON.parse(window.sessionStorage.getItem(data.key) || "null");
    } catch {
      return null;
    }
  },
  save(state) {
    try {
      window.sessionStorage.setItem(data.key, JSON.stringify(state));
    } catch {
      // full or forbidden: a reload starts the questions again
    }
  },
  wipe() {
    try {
      window.sessionStorage.removeItem(data.key);
    } catch {
      // nothing was kept
    }
  },
};

async function send(sending) {
  if (wish === undefined) wish = isUnsatisfied(data.content, sending.answers) ? await askWish(root, data.wish) : null;
  const response = await fetch(holder.dataset.action, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": holder.dataset.token },
    body: JSON.stringify(wish ? { ...sending, wish } : sending),
  });
  const isJson = (response.headers.get("content-type") || "").includes("application/json");
  const answer = isJson ? await response.json() : {};
  if (answer.wish === false) wish = undefined; // to be asked again
  return { ok: response.ok, ...answer };
}

async function begin() {
  before.hidden = true;
  holder.hidden = false;
  await askSurvey(root, { ...data, places: [], number: data.number, store, send });
}

root.addEventListener("survey:done", () => {
  const link = document.createElement("a");
  link.className = "button button--primary";
  link.href = holder.dataset.desk;
  link.textContent = holder.dataset.back;
  root.append(link);
});
document.getElementById("call-begin").addEventListener("click", begin);
if (store.load()) begin();

// The page of a survey that anyone may answer: keeps what is answered on this device until it is sent.
import { askSurvey } from "./survey.js";

const root = document.getElementById("survey");
const data = JSON.parse(document.getElementById("survey-data").textContent);
const KEY = `survey:${data.round}`;

function storage() {
  try {
    return window.localStorage;
  } catch {
    return null; // a web view that forbids it: the page works, but a closed page starts again
  }
}

const store = {
  load() {
    try {
      return JSON.parse(storage()?.getItem(KEY) || "null");
    } catch {
      return null;
    }
  },
  save(state) {
    try {
      storage()?.setItem(KEY, JSON.stringify(state));
    } catch {
      // full: what is answered is lost with the page, the page itself is not
    }
  },
  wipe() {
    storage()?.removeItem(KEY);
  },
};

function number() {
  if (window.crypto.randomUUID) return window.crypto.randomUUID();
  const bytes = window.crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

async function send(sending) {
  const response = await fetch(root.dataset.action, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": root.dataset.token },
    body: JSON.stringify(sending),
  });
  const isJson = (response.headers.get("content-type") || "").includes("application/json");
  const answer = isJson ? await response.json() : {};
  return { ok: response.ok, ...answer };
}

askSurvey(root, { ...data, number: number(), store, send });

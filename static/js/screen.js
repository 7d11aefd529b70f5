// The large screen: turns its panels by itself, asks for new figures with the ETag of what it has, and keeps showing
// the last ones, saying since when, while the server is away. Without JavaScript all panels stand below each other.
const body = document.body;
const list = document.querySelector("[data-panel-list]");
const message = document.querySelector("[data-message]");
const counted = document.querySelector("[data-counted]");
const clock = document.querySelector("[data-clock]");
const toggle = document.querySelector("[data-toggle]");
const dots = document.querySelector("[data-dots]");

const TURN = Number(body.dataset.turn) * 1000;
const REFRESH = Number(body.dataset.refresh) * 1000;
// Whoever moves the pointer or uses the keyboard is reading: the panel stays for a while. A pointer that was left
// lying on the screen must not stop it for ever.
const READING = 30_000;
const LONGEST_WAIT = 5 * 60_000;

let current = 0;
let paused = false;
let touched = -READING;
let turned = performance.now();
let etag = body.dataset.etag;
let lastSeen = new Date();
let failures = 0;

const panels = () => [...list.querySelectorAll("[data-panel]")];
const two = (number) => String(number).padStart(2, "0");
const timeOf = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;

function show(number) {
  const all = panels();
  if (!all.length) return;
  current = (number + all.length) % all.length;
  turned = performance.now();
  all.forEach((panel, at) => (panel.hidden = at !== current));
  dots.replaceChildren(
    ...all.map((_panel, at) => {
      const dot = document.createElement("i");
      dot.className = at === current ? "is-current" : "";
      return dot;
    }),
  );
}

function pause(on) {
  paused = on;
  toggle.setAttribute("aria-pressed", String(on));
  toggle.querySelector("[data-toggle-label]").textContent = on ? body.dataset.play : body.dataset.pause;
  turned = performance.now();
}

function tick() {
  const now = performance.now();
  const today = new Date();
  clock.textContent = `${today.getFullYear()}-${two(today.getMonth() + 1)}-${two(today.getDate())} ${timeOf(today)}`;
  const reading = now - touched < READING;
  body.classList.toggle("is-idle", !reading);
  if (!paused && !reading && now - turned >= TURN) show(current + 1);
}

// Not "while the pointer is over it": see READING.
for (const kind of ["pointermove", "pointerdown", "keydown", "focusin"]) {
  document.addEventListener(kind, () => (touched = performance.now()), { passive: true });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const onButton = event.target.closest("button, a");
  if (event.key === "ArrowRight" || event.key === "PageDown") show(current + 1);
  else if (event.key === "ArrowLeft" || event.key === "PageUp") show(current - 1);
  else if (event.key === " " && !onButton) pause(!paused);
  else if (event.key.toLowerCase() === "f") fullScreen();
  else return;
  event.preventDefault();
});

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.();
}

document.querySelector("[data-full]").addEventListener("click", fullScreen);
toggle.addEventListener("click", () => pause(!paused));
for (const button of document.querySelectorAll("[data-step]")) {
  button.addEventListener("click", () => show(current + Number(button.dataset.step)));
}

async function refresh() {
  let wait = REFRESH;
  try {
    const answer = await fetch(body.dataset.panels, {
      cache: "no-store",
      redirect: "manual",
      // nobody sits here: asking must not keep a session alive
      headers: { "If-None-Match": etag, "X-Live": "1" },
    });
    if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
      message.textContent = body.dataset.ended;
      if (answer.status === 401) list.replaceChildren();
      return; // for good: asking again changes nothing
    }
    if (answer.status !== 304 && !answer.ok) throw new Error(`status ${answer.status}`);
    if (answer.status !== 304) swap(await answer.text());
    etag = answer.headers.get("ETag") || etag;
    const moment = answer.headers.get("X-Counted-At");
    if (moment) counted.textContent = body.dataset.asOf.replace("{time}", moment);
    failures = 0;
    lastSeen = new Date();
    message.textContent = "";
  } catch {
    failures += 1;
    message.textContent = body.dataset.away.replace("{time}", timeOf(lastSeen));
    wait = Math.min(REFRESH * 2 ** Math.min(failures - 1, 4), LONGEST_WAIT);
  }
  // so that the screens of a district do not all ask at once when the server comes back
  setTimeout(refresh, wait * (0.85 + Math.random() * 0.3));
}

function swap(html) {
  const key = panels()[current]?.dataset.panel;
  list.innerHTML = html;
  const at = panels().findIndex((panel) => panel.dataset.panel === key);
  const left = TURN - (performance.now() - turned);
  show(at < 0 ? 0 : at);
  turned = performance.now() - (TURN - left);
  // charts draw themselves where htmx has put something; this is the same
  document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: list } }));
}

document.querySelector("[data-controls]").hidden = false;
body.classList.add("is-turning");
show(0);
tick();
setInterval(tick, 1000);
setTimeout(refresh, REFRESH);

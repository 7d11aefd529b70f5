// Asks a questionnaire item by item: one item a page, no answer chosen beforehand, the explanation one tap away, the
// back key leads to the item before. Keeps what is answered through `store`, so that a closed page loses nothing.
//
// askSurvey(root, { content, texts, places, about, number, store, send }): `texts` are surveys/texts.py's; `store` has
// load(), save(state) and wipe(), which may be asynchronous; send(sending) returns { ok, message, problems }.
import { asked, isDeclined, path, problem, shuffled } from "./survey-rules.js";

const INTRO = "#intro";
const ABOUT = "#about";
const NUMERIC = { number: "decimal" };

function element(tag, classes = "", text = "") {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  if (text) made.textContent = text;
  return made;
}

export async function askSurvey(root, { content, texts, places, about, number, store, send }) {
  const kept = await store.load();
  const state = kept && kept.number ? kept : { number, answers: {}, seconds: {}, about: {}, at: INTRO };
  let shownAt = performance.now();
  let isSending = false;
  let isDone = false;

  const say = (name, value = "") => (texts[name] || "").replace("%s", value);

  function steps() {
    const items = path(content, state.answers).map((item) => item.key);
    return [INTRO, ...items, ...(about ? [ABOUT] : [])];
  }

  function remember() {
    return isDone ? undefined : store.save(state);
  }

  // Seconds on screen, by a clock that nobody sets: a pause with the screen off counts up to five minutes.
  function stopwatch() {
    const spent = Math.min(300, Math.round((performance.now() - shownAt) / 1000));
    if (!state.at.startsWith("#")) state.seconds[state.at] = Math.min(3600, (state.seconds[state.at] || 0) + spent);
    shownAt = performance.now();
  }

  function go(step, { isBack = false } = {}) {
    stopwatch();
    state.at = step;
    remember();
    if (!isBack) window.history.pushState({ survey: step }, "");
    render();
    root.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }

  function answer(item, value) {
    state.answers[item.key] = value;
    remember();
  }

  function next() {
    const item = content.items.find((one) => one.key === state.at);
    if (item) {
      const wrong = problem(item, state.answers[item.key]);
      if (wrong) return complain(say(wrong[0], wrong[1]));
    }
    const all = steps();
    const place = all.indexOf(state.at);
    if (place + 1 < all.length) return go(all[place + 1]);
    return submit();
  }

  function complain(text) {
    const line = root.querySelector(".survey-problem");
    line.textContent = text;
    line.hidden = false;
    line.scrollIntoView({ block: "nearest" });
  }

  async function submit() {
    if (isSending) return;
    isSending = true;
    stopwatch();
    const button = root.querySelector(".survey-next");
    button.disabled = true;
    button.textContent = say("sending");
    let result;
    try {
      result = await send({
        number: state.number,
        answers: asked(content, state.answers),
        seconds: state.seconds,
        ...state.about,
      });
    } catch {
      result = { ok: false, message: say("offline") };
    }
    isSending = false;
    if (result.ok) {
      isDone = true;
      await store.wipe();
      return thank(result.message);
    }
    const [key] = Object.keys(result.problems || {}).filter((name) => steps().includes(name));
    if (key) go(key);
    else render();
    complain((key && result.problems[key]) || result.message || say("offline"));
  }

  function thank(message) {
    root.replaceChildren();
    const done = element("section", "survey-done");
    done.append(element("h2", "survey-text", say("done")), element("p", "", content.thanks || message || ""));
    root.append(done);
    window.history.replaceState({ survey: "#done" }, "");
    root.dispatchEvent(new CustomEvent("survey:done", { bubbles: true }));
  }

  // ---- what stands on the page

  function render() {
    const all = steps();
    if (!all.includes(state.at)) state.at = all[0];
    const place = all.indexOf(state.at);
    root.replaceChildren();
    if (state.at !== INTRO) root.append(progress(place, all.length - 1));
    const page = element("section", "survey-item");
    if (state.at === INTRO) page.append(...intro());
    else if (state.at === ABOUT) page.append(...aboutYou());
    else page.append(...question(content.items.find((item) => item.key === state.at)));
    const complaint = element("p", "survey-problem");
    complaint.hidden = true;
    complaint.setAttribute("role", "alert");
    page.append(complaint);
    root.append(page, buttons(place, all.length));
  }

  function progress(place, count) {
    const holder = element("div", "survey-progress");
    const bar = element("progress");
    bar.max = count;
    bar.value = place;
    bar.setAttribute("aria-label", say("progress"));
    holder.append(bar, element("span", "", `${place} / ${count}`));
    return holder;
  }

  function intro() {
    const parts = [element("h2", "survey-text", content.title)];
    for (const line of (content.intro || "").split("\n").filter(Boolean)) parts.push(element("p", "", line));
    parts.push(element("p", "survey-note", texts.anonymous || ""));
    return parts;
  }

  function question(item) {
    const group = element("fieldset", "survey-question");
    group.append(element("legend", "survey-text", item.text));
    if (item.is_optional) group.append(element("p", "survey-hint", say("optional")));
    if (item.kind === "multi") {
      group.append(element("p", "survey-hint", item.max_choices ? say("choose-most", item.max_choices) : say("choose")));
    }
    if (item.explanation) {
      const fold = element("details", "unfold survey-explanation");
      fold.append(element("summary", "", say("explain")), element("p", "", item.explanation));
      group.append(fold);
    }
    group.append(...answerParts(item));
    return [group];
  }

  function answerParts(item) {
    const given = state.answers[item.key];
    const value = isDeclined(given) ? undefined : given;
    const parts = [];
    if (["single", "scale", "yes_no", "multi"].includes(item.kind)) {
      const options = item.shuffle ? shuffled(item.options, `${state.number}${item.key}`) : item.options;
      parts.push(choices(item.key, options, item.kind === "multi", value, (chosen) => answer(item, chosen)));
    } else if (item.kind === "matrix") {
      parts.push(...item.rows.map((row) => matrixRow(item, row)));
    } else {
      parts.push(input(item, value));
    }
    const declines = item.declines || ["dont_know", "refused"];
    if (declines.length && item.kind !== "matrix") parts.push(declineChoices(item, declines, given));
    return parts;
  }

  // Radio buttons or boxes; a tap on the only answer of an item leads on, a key does not.
  function choices(name, options, isMany, value, store_) {
    const list = element("div", "choices survey-choices");
    for (const option of options) {
      const label = element("label", "choice");
      const box = element("input");
      box.type = isMany ? "checkbox" : "radio";
      box.name = name;
      box.value = option.code;
      box.checked = isMany ? (value || []).includes(option.code) : String(value ?? "") === option.code;
      label.append(box, element("span", "choice-text", option.label));
      list.append(label);
    }
    list.addEventListener("change", () => {
      const chosen = [...list.querySelectorAll("input:checked")].map((box) => box.value);
      for (const other of root.querySelectorAll('[data-decline="yes"] input')) other.checked = false;
      store_(isMany ? chosen : chosen[0]);
    });
    if (!isMany && name === state.at) leadOn(list);
    return list;
  }

  function leadOn(list) {
    list.addEventListener("pointerup", (event) => {
      const label = event.target.closest("label");
      if (!label || event.pointerType === "") return;
      const from = state.at;
      window.setTimeout(() => {
        if (state.at === from && label.querySelector("input").checked) next();
      }, 350);
    });
  }

  function matrixRow(item, row) {
    const group = element("fieldset", "survey-row");
    group.append(element("legend", "", row.label));
    const declines = (item.declines || ["dont_know", "refused"]).map((code) => ({ code: `!${code}`, label: say(code) }));
    const given = (state.answers[item.key] || {})[row.key];
    const value = isDeclined(given) ? `!${given.declined}` : given;
    group.append(
      choices(`${item.key}.${row.key}`, [...item.options, ...declines], false, value, (chosen) => {
        const rows = { ...(state.answers[item.key] || {}) };
        rows[row.key] = chosen.startsWith("!") ? { declined: chosen.slice(1) } : chosen;
        answer(item, rows);
      }),
    );
    return group;
  }

  function declineChoices(item, declines, given) {
    const options = declines.map((code) => ({ code, label: say(code) }));
    const value = isDeclined(given) ? given.declined : undefined;
    const list = choices(`${item.key}!`, options, false, value, (chosen) => {
      for (const box of root.querySelectorAll(".survey-choices:not([data-decline]) input")) box.checked = false;
      for (const box of root.querySelectorAll(".survey-input")) box.value = "";
      answer(item, { declined: chosen });
    });
    list.dataset.decline = "yes";
    leadOn(list);
    return list;
  }

  function input(item, value) {
    const box = element(item.kind === "text" ? "textarea" : "input", "input survey-input");
    if (item.kind === "text") {
      box.rows = 4;
      box.maxLength = item.max_length || 500;
    } else {
      box.type = item.kind === "date" ? "date" : "text";
      if (NUMERIC[item.kind]) box.inputMode = item.is_whole ? "numeric" : NUMERIC[item.kind];
    }
    box.value = value || "";
    box.setAttribute("aria-label", item.text);
    box.addEventListener("input", () => {
      for (const other of root.querySelectorAll('[data-decline="yes"] input')) other.checked = false;
      answer(item, box.value.trim());
    });
    return box;
  }

  // Where one lives, sex and age: all may be left out.
  function aboutYou() {
    const parts = [element("h2", "survey-text", say("about")), element("p", "survey-hint", say("about-hint"))];
    if (about.choosesPlace) parts.push(placeChoice());
    for (const name of ["sex", "age_band"]) {
      const group = element("fieldset", "survey-row");
      group.append(element("legend", "", say(name)));
      const options = about[name].map(([code, label]) => ({ code, label }));
      group.append(
        choices(name, options, false, state.about[name], (chosen) => {
          state.about[name] = chosen;
          remember();
        }),
      );
      parts.push(group);
    }
    return parts;
  }

  function placeChoice() {
    const group = element("div", "survey-row");
    const township = select(say("township"), places);
    const village = select(say("village"), []);
    const fill = () => {
      const chosen = places.find((place) => place.code === township.box.value);
      village.fill(chosen ? chosen.villages : []);
      village.holder.hidden = !chosen || !chosen.villages.length;
    };
    const [code] = [state.about.unit || ""];
    township.box.value = code.slice(0, 9);
    fill();
    village.box.value = code;
    township.box.addEventListener("change", () => {
      fill();
      state.about.unit = township.box.value;
      remember();
    });
    village.box.addEventListener("change", () => {
      state.about.unit = village.box.value || township.box.value;
      remember();
    });
    group.append(township.holder, village.holder);
    return group;
  }

  function select(name, options) {
    const holder = element("label", "field");
    const box = element("select", "input");
    const fill = (list) => {
      box.replaceChildren(new Option(say("not-told"), ""), ...list.map((one) => new Option(one.name, one.code)));
    };
    fill(options);
    holder.append(element("span", "field-label", name), box);
    return { holder, box, fill };
  }

  function buttons(place, count) {
    const bar = element("div", "action-bar survey-bar");
    if (place > 0) {
      const back = element("button", "button button--secondary is-narrow survey-back", say("back"));
      back.type = "button";
      back.addEventListener("click", () => window.history.back());
      bar.append(back);
    }
    const name = place === 0 ? "begin" : place + 1 === count ? "send" : "next";
    const forward = element("button", "button button--primary survey-next", say(name));
    forward.type = "button";
    forward.addEventListener("click", next);
    bar.append(forward);
    return bar;
  }

  window.addEventListener("popstate", (event) => {
    const step = event.state && event.state.survey;
    if (!root.isConnected || isDone) return; // the app shows something else by now
    if (step && steps().includes(step)) go(step, { isBack: true });
  });
  document.addEventListener("visibilitychange", () => {
    if (!root.isConnected) return;
    stopwatch();
    remember();
  });

  // After a reload the entries before stand in the history again, so that the back key works as before.
  const all = steps();
  const place = Math.max(0, all.indexOf(state.at));
  window.history.replaceState({ survey: all[0] }, "");
  for (const step of all.slice(1, place + 1)) window.history.pushState({ survey: step }, "");
  state.at = all[place];
  render();
}

// After an answer that was not content: would the respondent like something done about it? Only with consent, in words
// typed anew. Nothing of the answers is handed on.
import { isDeclined } from "./survey-rules.js";

const MAX_TEXT = 500;

function element(tag, classes = "", text = "") {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  if (text) made.textContent = text;
  return made;
}

// Does an answer earn less than half of what its item can?
export function isUnsatisfied(content, answers) {
  return content.items.some((item) => {
    const marks = new Map(
      (item.options || []).filter((option) => (option.marks ?? "") !== "").map((option) => [option.code, Number(option.marks)]),
    );
    if (!marks.size) return false;
    const most = Math.max(...marks.values());
    const given = answers[item.key];
    if (given === undefined || isDeclined(given)) return false;
    const codes = item.kind === "matrix" ? Object.values(given).filter((one) => !isDeclined(one)) : [given].flat();
    return codes.some((code) => marks.has(String(code)) && marks.get(String(code)) < most / 2);
  });
}

// Shows the question in `root`; resolves to { consent, category, text }, or to null where nothing is wanted.
export function askWish(root, { texts, categories, canVisit, isAnonymous }) {
  return new Promise((resolve) => {
    const form = element("form", "survey-item form survey-wish");
    form.noValidate = true;
    const consent = element("input");
    consent.type = "checkbox";
    const agreed = element("label", "choice");
    agreed.append(consent, element("span", "choice-text", texts.consent));

    const kind = element("select", "input");
    kind.append(new Option(texts.choose, ""));
    if (canVisit) kind.append(new Option(texts.visit, "visit"));
    for (const group of categories) {
      const holder = document.createElement("optgroup");
      holder.label = group.name;
      for (const one of group.children.length ? group.children : [group]) holder.append(new Option(one.name, one.code));
      kind.append(holder);
    }
    const text = element("textarea", "input");
    text.rows = 4;
    text.maxLength = MAX_TEXT;

    const field = (label, box) => {
      const holder = element("label", "field");
      holder.append(element("span", "field-label", label), box);
      return holder;
    };
    const complaint = element("p", "survey-problem");
    complaint.hidden = true;
    complaint.setAttribute("role", "alert");
    const record = element("button", "button button--primary", texts.record);
    record.type = "submit";
    const without = element("button", "button button--secondary", texts.without);
    without.type = "button";
    const bar = element("div", "row");
    bar.append(record, without);
    form.append(
      element("h2", "survey-text", texts.title),
      element("p", "", texts.hint),
      element("p", "survey-note", isAnonymous ? texts.anonymous : ""),
      agreed,
      field(texts.kind, kind),
      field(texts.text, text),
      complaint,
      bar,
    );

    const leave = (wish) => {
      root.replaceChildren(element("p", "survey-note", texts.sending));
      resolve(wish);
    };
    without.addEventListener("click", () => leave(null));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const missing = !consent.checked ? "needConsent" : !kind.value ? "needKind" : !text.value.trim() ? "needText" : "";
      complaint.textContent = texts[missing] || "";
      complaint.hidden = !missing;
      if (!missing) leave({ consent: true, category: kind.value, text: text.value.trim() });
    });
    root.replaceChildren(form);
    form.querySelector("h2").tabIndex = -1;
    form.querySelector("h2").focus();
  });
}

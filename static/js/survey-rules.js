// Which items are asked and which answers fit: the same rules as surveys/answers.py, which has the last word.
// tests/data/surveys/paths.json holds cases both must answer alike.

export const isDeclined = (answer) =>
  answer !== null && typeof answer === "object" && !Array.isArray(answer) && Object.keys(answer).join() === "declined";

export const isEmpty = (answer) =>
  answer === undefined ||
  answer === null ||
  answer === "" ||
  (typeof answer === "object" && Object.keys(answer).length === 0);

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)$/;

function decimal(value) {
  const text = String(value ?? "").trim();
  return DECIMAL.test(text) && text.length <= 20 ? Number(text) : null;
}

function holds(rule, answer) {
  if (rule.op === "answered") return !isEmpty(answer) && !isDeclined(answer);
  if (rule.op === "declined") return isDeclined(answer);
  if (isEmpty(answer) || isDeclined(answer)) return false; // of what nobody said nothing follows
  if (rule.op === "includes") return Array.isArray(answer) && answer.includes(rule.value);
  if (rule.op === "is" || rule.op === "is_not") return (String(answer) === rule.value) === (rule.op === "is");
  const number = decimal(answer);
  const limit = decimal(rule.value);
  if (number === null || limit === null) return false;
  return rule.op === "at_least" ? number >= limit : number <= limit;
}

export function isShown(item, known) {
  if (!item.show_if) return true;
  const held = item.show_if.rules.map((rule) => holds(rule, known[rule.item]));
  return item.show_if.any ? held.some(Boolean) : held.every(Boolean);
}

// The items asked, given the answers. An answer of an item that is not asked counts for nothing.
export function path(content, answers) {
  const known = {};
  return content.items.filter((item) => {
    if (!isShown(item, known)) return false;
    if (!isEmpty(answers[item.key])) known[item.key] = answers[item.key];
    return true;
  });
}

// The answers of the items asked alone: what is sent.
export function asked(content, answers) {
  const kept = path(content, answers).filter((item) => !isEmpty(answers[item.key]));
  return Object.fromEntries(kept.map((item) => [item.key, answers[item.key]]));
}

// What is wrong with an answer: the name of a text and what stands in it, or null.
export function problem(item, answer) {
  if (isEmpty(answer)) return item.is_optional ? null : ["needed"];
  if (isDeclined(answer)) return null;
  if (item.kind === "multi") {
    if (answer.length < (item.min_choices || 0)) return ["least-choices", item.min_choices];
    if (item.max_choices && answer.length > item.max_choices) return ["most-choices", item.max_choices];
  }
  if (item.kind === "matrix" && !item.is_optional && item.rows.some((row) => isEmpty(answer[row.key]))) return ["rows"];
  if (item.kind === "number") {
    const number = decimal(answer);
    if (number === null) return ["number"];
    if (item.is_whole && !Number.isInteger(number)) return ["whole"];
    if (item.minimum && number < decimal(item.minimum)) return ["least", item.minimum];
    if (item.maximum && number > decimal(item.maximum)) return ["most", item.maximum];
  }
  if (item.kind === "date") {
    if (!/^\d{4}-\d{2}-\d{2}$/.test(answer)) return ["date"];
    if (item.minimum && answer < item.minimum) return ["earliest", item.minimum];
    if (item.maximum && answer > item.maximum) return ["latest", item.maximum];
  }
  if (item.kind === "text" && [...answer].length > (item.max_length || 500)) return ["length", item.max_length || 500];
  return null;
}

// Options in an order of their own for each respondent, the same each time the page is opened (Fisher and Yates, with
// a small generator seeded by the sending's random number).
export function shuffled(options, seed) {
  let state = 0;
  for (const letter of seed) state = (Math.imul(state, 31) + letter.charCodeAt(0)) >>> 0;
  const result = [...options];
  for (let last = result.length - 1; last > 0; last -= 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (last + 1));
    [result[last], result[other]] = [result[other], result[last]];
  }
  return result;
}

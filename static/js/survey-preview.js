// The preview of a questionnaire: asks it like the public page, keeps nothing and sends nothing.
import { askSurvey } from "./survey.js";

const root = document.getElementById("survey");
const data = JSON.parse(document.getElementById("survey-data").textContent);
const store = { load: () => null, save: () => undefined, wipe: () => undefined };
const send = async () => ({ ok: true, message: root.dataset.done });

// the questionnaire's own thanks would hide that nothing was sent
const content = { ...data.content, thanks: [data.content.thanks, root.dataset.done].filter(Boolean).join(" ") };
askSurvey(root, { ...data, content, number: String(Math.random()), store, send });

// Starts the small enhancements on the page and on whatever htmx swaps in. Every page works without them.
import { startAutosubmit } from "./autosubmit.js";
import { startCopy } from "./copy.js";
import { startDialogs } from "./dialog.js";
import { startDropzones } from "./dropzone.js";
import { startFilterFolds } from "./filterfold.js";
import { startForms } from "./forms.js";
import { startLive } from "./live.js";
import { startMenus } from "./menu.js";
import { startLogout } from "./phone/logout.js";
import { startShrinking } from "./shrink.js";

function start(root) {
  startAutosubmit(root);
  startCopy(root);
  startDialogs(root);
  startDropzones(root);
  startFilterFolds(root);
  startShrinking(root);
}

start(document);
startForms(document);
startLive(document);
startMenus(document);
startLogout(document);
document.addEventListener("htmx:load", (event) => start(event.detail.elt));

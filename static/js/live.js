// Elements with data-live ask the server again from time to time (htmx: every …). Here: not while the tab is hidden,
// at once when it is shown again, and with the ETag of what they show, so that the answer is mostly an empty 304.
const EVENT = "live";

function isLive(element) {
  return element instanceof Element && element.matches("[data-live]");
}

// A swap would take away what somebody is reading or copying.
function isBusy(element) {
  const selection = document.getSelection();
  if (element.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) {
    return true;
  }
  return Boolean(selection && !selection.isCollapsed && element.contains(selection.anchorNode));
}

export function startLive(root) {
  root.addEventListener("htmx:configRequest", (event) => {
    if (isLive(event.detail.elt)) {
      event.detail.headers["If-None-Match"] = event.detail.elt.dataset.live;
      // nobody asked for this page: it must not keep the session of an empty chair alive
      event.detail.headers["X-Live"] = "1";
    }
  });
  root.addEventListener("htmx:beforeRequest", (event) => {
    if (isLive(event.detail.elt) && (document.hidden || isBusy(event.detail.elt))) {
      event.preventDefault();
    }
  });
  root.addEventListener("htmx:beforeSwap", (event) => {
    if (!isLive(event.detail.elt)) return;
    const { xhr, requestConfig } = event.detail;
    const asked = new URL(requestConfig.path, document.baseURI).pathname;
    if (xhr.status === 304) {
      event.detail.shouldSwap = false;
    } else if (xhr.responseURL && new URL(xhr.responseURL).pathname !== asked) {
      // led to the login page: the session has ended
      event.detail.shouldSwap = false;
      window.location.reload();
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      for (const element of document.querySelectorAll("[data-live]")) {
        element.dispatchEvent(new Event(EVENT));
      }
    }
  });
}

// Keeps the sentence on the status page fresh. Without it the page shows the state of when it loaded.
const box = document.getElementById("g-live");
const address = box && box.dataset.live;
const every = 15000;
let mark = "";

async function look() {
  if (document.visibilityState === "visible") {
    try {
      const answer = await fetch(address, {
        credentials: "same-origin",
        redirect: "error",
        headers: mark ? { "If-None-Match": mark } : {},
      });
      if (answer.status === 200) {
        const text = (await answer.text()).trim();
        mark = answer.headers.get("ETag") || "";
        // Same-origin, made and escaped by the server, like the page itself.
        if (text !== box.innerHTML.trim()) box.innerHTML = text;
      }
    } catch {
      // Offline or logged out: the page stays as it is, the next look may do better.
    }
  }
  setTimeout(look, every);
}

if (address) setTimeout(look, every);

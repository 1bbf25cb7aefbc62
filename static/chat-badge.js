// The number beside "Chat", on every page: the sum of what is unread in each room, which is what was posted in it less
// what is behind its reader. Both come live: the one for everybody in the room, the other for this person.
(() => {
  "use strict";
  const MOST = 99;
  const rooms = document.getElementById("chat-unread"), total = document.getElementById("chat-total");
  if (!rooms) return;

  function show(badge, count, named = 0) {
    const text = count > MOST ? `${MOST}+` : String(count);
    if (badge.textContent !== text) badge.textContent = text;
    badge.hidden = !count;
    badge.toggleAttribute("data-named", named > 0);
    badge.setAttribute("aria-label", named ? `${count} unread, ${named} with your name` : `${count} unread`);
  }

  const posted = (id) => Number(document.getElementById(id.replace("unread", "posted")).dataset.version);

  function read() {
    let sum = 0, sumNamed = 0;
    const counts = new Map();
    for (const {id, dataset} of rooms.children) {
      const count = posted(id) - Number(dataset.behind), named = Number(dataset.mentions);
      counts.set(id.replace("unread-", ""), [count, named]);
      sum += count;
      sumNamed += named;
    }
    show(total, sum, sumNamed);
    document.querySelectorAll("[data-unread-of]").forEach((badge) => show(badge, ...(counts.get(badge.dataset.unreadOf) ?? [0])));
    document.dispatchEvent(new CustomEvent("chat:unread", {detail: {sum, named: sumNamed}}));
  }

  new MutationObserver(read).observe(rooms, {childList: true, subtree: true, attributes: true});
  const list = document.getElementById("rooms");
  if (list) new MutationObserver(read).observe(list, {childList: true, subtree: true});
  read();
})();

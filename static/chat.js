// A room: the newest message stays in view, one's own shows at once and is marked until the server has it.
(() => {
  "use strict";
  const NEAR_PX = 100, SETTLE_MS = 400, MAX_SHOWN = 300;
  const scroll = document.getElementById("scroll"), messages = document.getElementById("messages");
  const form = document.getElementById("composer"), toEnd = document.getElementById("to-end");

  // "Mine" is a matter of style: the fragment is the same for everybody, so a rule made here says whose it is.
  const me = document.querySelector('meta[name="user-id"]').content;
  const mine = new CSSStyleSheet();
  mine.replaceSync(`.message[data-author="${CSS.escape(me)}"] { margin-inline-start: auto; background: var(--accent-soft); }`);
  document.adoptedStyleSheets.push(mine);

  // -- the end of the list -----------------------------------------------------------------------------

  let near = true, unseen = 0;
  const down = () => { scroll.scrollTop = scroll.scrollHeight; };

  function arrived(count) {
    if (near) return down();
    unseen += count;
    showUnseen();
  }

  function showUnseen() {
    if (!toEnd) return;
    toEnd.parentElement.hidden = near;
    toEnd.textContent = unseen ? `${unseen} new` : "To the newest";
  }

  scroll.addEventListener("scroll", () => {
    near = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight <= NEAR_PX;
    if (near) unseen = 0;
    showUnseen();
  });
  toEnd?.addEventListener("click", () => { down(); form.elements.text.focus(); });

  new MutationObserver((records) => {
    const added = records.flatMap((record) => [...record.addedNodes]).filter((node) => node.matches?.(".message"));
    if (added.length) arrived(added.length);
    if (near) while (messages.children.length > MAX_SHOWN) messages.firstElementChild.remove();
  }).observe(messages, {childList: true});
  addEventListener("resize", () => { if (near) down(); });

  if (!location.hash || location.hash.startsWith("#message-")) down();
  if (!form) return;

  // -- sending -----------------------------------------------------------------------------------------

  const text = form.elements.text, token = form.elements.token, problem = document.getElementById("text-problem");
  const list = document.createElement("ol"), waiting = new Map();
  list.className = "pending-list";
  list.setAttribute("aria-label", "On their way");
  scroll.append(list);

  const renew = () => { // randomUUID is missing where a tablet reaches the site over plain http
    token.value = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  };

  function complain(reason) {
    problem.textContent = reason;
    if (reason) text.setAttribute("aria-invalid", "true");
    else text.removeAttribute("aria-invalid");
  }

  function pending(words) {
    const item = document.createElement("li"), head = document.createElement("p"), body = document.createElement("p");
    item.className = "message pending";
    head.className = "head";
    body.className = "body";
    head.textContent = "◷ Sending";
    body.textContent = words;
    item.append(head, body);
    list.append(item);
    down();
    return item;
  }

  form.addEventListener("live:sent", ({detail}) => {
    waiting.set(detail.id, pending(detail.fields.text));
    text.value = "";
    complain("");
    renew();
    text.focus();
  });

  form.addEventListener("live:acknowledged", ({detail}) => {
    const item = waiting.get(detail.id);
    waiting.delete(detail.id);
    setTimeout(() => item?.remove(), SETTLE_MS); // the message itself comes by the stream, a moment earlier or later
  });

  form.addEventListener("live:refused", ({detail}) => {
    const item = waiting.get(detail.id);
    waiting.delete(detail.id);
    complain(detail.reason);
    if (!text.value) text.value = detail.fields.text;
    else if (item) return keep(item, detail.reason);
    item?.remove();
  });

  function keep(item, reason) { // something else is being typed by now: the refused text must not be lost
    item.classList.add("failed");
    item.querySelector(".head").textContent = `! Not sent. ${reason}`;
  }

  // Without a socket the form goes by htmx: what was typed stays until the server has it.
  let posted = "";
  form.addEventListener("htmx:before:request", () => { posted = text.value; });
  form.addEventListener("htmx:after:request", ({detail}) => {
    if (!detail.ctx.response.raw.ok) return;
    if (text.value === posted) text.value = "";
    complain("");
    renew();
  });

  text.addEventListener("keydown", (event) => { // touch screens send with the button
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || matchMedia("(hover: none)").matches) return;
    event.preventDefault();
    form.requestSubmit();
  });
})();

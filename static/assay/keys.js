"use strict";
// Lists and pages by keyboard, and ranges of boxes with shift. Without it all of it works by mouse and Tab.
(() => {
  const boxes = () => [...document.querySelectorAll("input[name=chosen]")];
  const rows = () => [...document.querySelectorAll(".grid tbody tr:not(.none)")];
  const click = (selector) => document.querySelector(selector)?.click();
  let at = -1;
  let last = null;

  const mark = () => boxes().forEach((box) => box.closest("tr").classList.toggle("chosen", box.checked));

  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    all[at]?.classList.remove("at");
    at = Math.max(0, Math.min(all.length - 1, at + step));
    all[at].classList.add("at");
    all[at].querySelector("a[href]")?.focus();
    all[at].scrollIntoView({ block: "nearest" });
  };

  const acts = {
    j: () => move(1),
    k: () => move(-1),
    x: () => rows()[at]?.querySelector("input[name=chosen]")?.click(),
    a: () => click("[data-key=a]"),
    e: () => document.querySelector("[data-key=e], tr.broken td.edit input[type=text]")?.focus(),
    w: () => click("[data-key=w]"),
    r: () => click("[data-key=r]"),
    u: () => click("[data-key=u]"),
    "?": () => {
      const help = document.getElementById("keys");
      if (help) help.open ? help.close() : help.showModal();
    },
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=checkbox]), textarea, select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });

  document.addEventListener("click", (event) => {
    if (!event.target.matches("input[name=chosen]")) return;
    const all = boxes();
    const now = all.indexOf(event.target);
    if (event.shiftKey && last !== null) {
      const [from, to] = [Math.min(last, now), Math.max(last, now)];
      all.slice(from, to + 1).forEach((box) => { box.checked = event.target.checked; });
    }
    last = now;
    mark();
  });
  mark();
})();

/* The lineage picture: pan, zoom, paths lit up, arrow keys, expansions fetched in place. All of it works without, too. */
(() => {
  const sheet = () => document.getElementById("graph-sheet");
  const NEXT = { ArrowRight: 1, ArrowLeft: 0 };
  let zoom = 1;
  let graph; // {svg, nodes, paths, near: [what feeds, what is fed] by node, edges: of each node}

  const link = (node) => node.querySelector("a.box") || node;

  function read() {
    const svg = sheet()?.querySelector("svg.graph");
    if (!svg) return;
    const nodes = [...svg.querySelectorAll(".node")];
    const paths = [...svg.querySelectorAll(".edges path")];
    const near = nodes.map(() => [[], []]);
    (svg.dataset.links || "").split(" ").filter(Boolean).forEach((pair, number) => {
      const [from, to] = pair.split("-").map(Number);
      near[from][1].push([to, number]);
      near[to][0].push([from, number]);
    });
    graph = { svg, nodes, paths, near, width: svg.width.baseVal.value, height: svg.height.baseVal.value };
    scale(zoom);
  }

  function light(start) {
    graph.svg.querySelectorAll(".lit").forEach((one) => one.classList.remove("lit"));
    graph.svg.classList.toggle("looking", start >= 0);
    if (start < 0) return;
    graph.nodes[start].classList.add("lit");
    for (const way of [0, 1]) {
      const seen = new Set([start]);
      for (const at of seen) {
        for (const [other, number] of graph.near[at][way]) {
          graph.paths[number].classList.add("lit");
          graph.nodes[other].classList.add("lit");
          seen.add(other);
        }
      }
    }
  }

  function scale(factor, x = 0.5, y = 0.5) {
    const box = sheet();
    const [left, top] = [box.scrollLeft + x * box.clientWidth, box.scrollTop + y * box.clientHeight];
    const to = Math.min(Math.max(factor, 0.1), 3);
    graph.svg.setAttribute("width", graph.width * to);
    graph.svg.setAttribute("height", graph.height * to);
    box.scrollLeft = (left * to) / zoom - x * box.clientWidth;
    box.scrollTop = (top * to) / zoom - y * box.clientHeight;
    zoom = to;
  }

  const fit = () => scale(Math.min(1, sheet().clientWidth / graph.width));

  function tools() {
    const bar = document.createElement("div");
    bar.className = "graph-tools";
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "Zoom");
    const add = (text, name, act) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "button plain", textContent: text, title: name });
      button.setAttribute("aria-label", name);
      button.addEventListener("click", act);
      bar.append(button);
    };
    add("−", "Zoom out", () => scale(zoom / 1.25));
    add("+", "Zoom in", () => scale(zoom * 1.25));
    add("1:1", "Full size", () => scale(1));
    add("Fit", "Fit the width", fit);
    const hint = document.createElement("span");
    hint.className = "quiet";
    hint.textContent = "Drag to move, Ctrl and wheel to zoom, arrow keys from box to box.";
    bar.append(hint);
    sheet().before(bar);
  }

  /* The page of another view, with its picture put in the place of this one's; the box in focus keeps its place. */
  async function show(address, keep, push) {
    const before = keep?.getBoundingClientRect();
    const name = keep && link(keep).getAttribute("aria-label").split(",")[0];
    const answer = await fetch(address);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok || !page.getElementById("graph-sheet") || !sheet()) {
      location.assign(address);
      return;
    }
    for (const part of [".page-head", "form.filters", "#graph-sheet"]) {
      document.querySelector(part).replaceChildren(...page.querySelector(part).childNodes);
    }
    if (push) history.pushState({}, "", address);
    read();
    const same = graph.nodes.find((node) => link(node).getAttribute("aria-label").split(",")[0] === name);
    if (!same) return;
    const after = same.getBoundingClientRect();
    sheet().scrollLeft += after.left - before.left;
    sheet().scrollTop += after.top - before.top;
    link(same).focus({ preventScroll: true });
  }

  const numberOf = (target) => graph.nodes.indexOf(target.closest?.(".node"));

  function step(event) {
    const at = numberOf(event.target);
    if (at < 0) return;
    let to;
    if (event.key in NEXT) {
      to = graph.near[at][NEXT[event.key]][0]?.[0];
    } else {
      const here = graph.nodes[at].getBoundingClientRect();
      const sign = event.key === "ArrowDown" ? 1 : -1;
      const below = graph.nodes
        .map((node, number) => [node.getBoundingClientRect(), number])
        .filter(([box, number]) => number !== at && Math.abs(box.left - here.left) < here.width / 2)
        .map(([box, number]) => [(box.top - here.top) * sign, number])
        .filter(([far]) => far > 0)
        .sort((one, other) => one[0] - other[0]);
      to = below[0]?.[1];
    }
    event.preventDefault();
    if (to !== undefined) link(graph.nodes[to]).focus();
  }

  function start() {
    const box = sheet();
    tools();
    box.addEventListener("mouseover", (event) => light(numberOf(event.target)));
    box.addEventListener("mouseleave", () => light(-1));
    box.addEventListener("focusin", (event) => light(numberOf(event.target)));
    box.addEventListener("focusout", () => light(-1));
    box.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const at = box.getBoundingClientRect();
      const [x, y] = [(event.clientX - at.left) / at.width, (event.clientY - at.top) / at.height];
      scale(zoom * (event.deltaY < 0 ? 1.15 : 1 / 1.15), x, y);
    }, { passive: false });
    box.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key.startsWith("Arrow")) step(event);
      else if (event.key === "+") scale(zoom * 1.25);
      else if (event.key === "-") scale(zoom / 1.25);
      else if (event.key === "0") scale(1);
    });
    box.addEventListener("click", (event) => {
      const more = event.target.closest(".more a, .group a");
      if (!more || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      show(more.href.baseVal, more.closest(".node"), true);
    });
    addEventListener("popstate", () => show(location.href, null, false));
    let from = null;
    box.addEventListener("pointerdown", (event) => {
      if (event.button || event.pointerType !== "mouse" || event.target.closest("a")) return;
      from = [event.clientX + box.scrollLeft, event.clientY + box.scrollTop];
      box.setPointerCapture(event.pointerId);
    });
    box.addEventListener("pointermove", (event) => {
      if (!from) return;
      box.classList.add("dragging");
      [box.scrollLeft, box.scrollTop] = [from[0] - event.clientX, from[1] - event.clientY];
    });
    box.addEventListener("pointerup", () => {
      from = null;
      box.classList.remove("dragging");
    });
  }

  /* Names of tables are offered while one types. */
  function offer() {
    let waiting;
    document.addEventListener("input", (event) => {
      const address = event.target.dataset?.names;
      if (!address) return;
      clearTimeout(waiting);
      waiting = setTimeout(async () => {
        const answer = await fetch(`${address}?q=${encodeURIComponent(event.target.value)}`);
        if (!answer.ok) return;
        const { tables } = await answer.json();
        event.target.list.replaceChildren(...tables.map((name) => new Option(name, name)));
      }, 150);
    });
  }

  offer();
  if (!sheet()) return;
  read();
  start();
  const here = graph.svg.querySelector(".here");
  if (here && graph.width > sheet().clientWidth) {
    const [at, box] = [here.getBoundingClientRect(), sheet().getBoundingClientRect()];
    sheet().scrollLeft = at.left - box.left - (box.width - at.width) / 2;
    sheet().scrollTop = at.top - box.top - (box.height - at.height) / 2;
  }
})();

/* global document, window */
// What the page does beyond HTML: filter, search, keys, unfolding what a link leads to. All content is there without.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id);
  const folds = all("details");
  let closed = [];

  function unfoldTarget() {
    let id = window.location.hash.slice(1);
    try {
      id = decodeURIComponent(id);
    } catch {
      // it is no address of this page's making
    }
    const target = byId(id.replace(/\s/g, "_"));
    if (target === null) return;
    if (target.closest(".change")?.hidden) showAll();
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details"))
      fold.open = true;
    target.scrollIntoView();
    target.querySelector("summary")?.focus();
  }

  window.addEventListener("hashchange", unfoldTarget);
  window.addEventListener("beforeprint", () => {
    closed = folds.filter((fold) => !fold.open);
    closed.forEach((fold) => (fold.open = true));
  });
  window.addEventListener("afterprint", () => closed.forEach((fold) => (fold.open = false)));

  // A wide picture begins where something changes
  const picture = document.querySelector(".picture");
  const marked =
    picture?.querySelector(".node.replace, .node.delete") ?? picture?.querySelector(".node:not(.same)");
  if (marked) {
    const [outer, inner] = [picture, marked].map((one) => one.getBoundingClientRect());
    picture.scrollLeft = Math.max(0, inner.right - outer.left - outer.width + 32);
    picture.scrollTop = Math.max(0, inner.bottom - outer.top - outer.height + 32);
  }

  const tools = document.querySelector(".tools");
  const search = byId("search");
  let showAll = () => {};
  if (tools) filter();
  unfoldTarget();

  function filter() {
    const found = byId("found");
    const clear = byId("clear");
    const unfold = byId("unfold");
    const buttons = all("button[aria-pressed]", tools);
    const groups = all("section.system").map((section) => ({ section, rows: all(".change", section) }));
    const rows = groups.flatMap((group) => group.rows);
    const texts = new Map(); // what is searched in, made when it is wanted first
    const textOf = (row) => {
      if (!texts.has(row)) texts.set(row, `${row.textContent} ${row.dataset.system}`.toLowerCase());
      return texts.get(row);
    };
    const pressed = (kind) =>
      buttons
        .filter((one) => one.dataset[kind] !== undefined && one.getAttribute("aria-pressed") === "true")
        .map((one) => one.dataset[kind]);
    const visible = () => rows.filter((row) => !row.hidden);

    function apply() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const actions = pressed("action");
      const systems = pressed("system");
      const isWanted = (row) =>
        (actions.length === 0 || actions.includes(row.dataset.action)) &&
        (systems.length === 0 || systems.includes(row.dataset.system)) &&
        (words.length === 0 || words.every((word) => textOf(row).includes(word)));
      for (const group of groups) {
        let count = 0;
        for (const row of group.rows) {
          const wanted = isWanted(row);
          if (row.hidden === wanted) row.hidden = !wanted;
          if (wanted) count += 1;
        }
        group.section.hidden = count === 0;
      }
      tell(words.length + actions.length + systems.length > 0);
    }

    function tell(isFiltered) {
      const shown = visible();
      const noun = rows.length === 1 ? "change" : "changes";
      found.value = isFiltered
        ? shown.length === 0
          ? "No change matches"
          : `${shown.length} of ${rows.length} ${noun}`
        : `All ${rows.length} ${noun}`;
      clear.disabled = !isFiltered;
      nameUnfold();
    }

    function nameUnfold() {
      const shown = visible();
      const label = shown.length > 0 && shown.every((row) => row.open) ? "Fold all" : "Unfold all";
      if (unfold.textContent !== label) unfold.textContent = label;
      unfold.disabled = shown.length === 0;
    }

    showAll = () => {
      search.value = "";
      buttons.forEach((button) => button.setAttribute("aria-pressed", "false"));
      apply();
    };

    search.addEventListener("input", apply);
    for (const button of buttons)
      button.addEventListener("click", () => {
        button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
        apply();
      });
    clear.addEventListener("click", () => {
      showAll();
      search.focus(); // the button is disabled now, and would lose the focus to nothing
    });
    unfold.addEventListener("click", () => {
      const open = unfold.textContent === "Unfold all";
      visible().forEach((row) => (row.open = open));
      nameUnfold();
    });
    document.addEventListener("toggle", nameUnfold, true);
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (event.key === "/" && document.activeElement !== search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
      if (event.key === "Escape") {
        event.preventDefault();
        showAll();
      }
    });
    tools.hidden = false;
    all(".keys").forEach((keys) => (keys.hidden = false));
    apply();
  }
})();

"use strict";
// Text is only ever set as text: no markup is made out of any. The page's policy forbids it too.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const S = data.strings;
  const byId = (id) => document.getElementById(id);
  const card = byId("card"), compare = byId("compare");
  document.documentElement.classList.add("scripted");

  function make(tag, cls, ...inside) {
    const node = document.createElement(tag);
    if (cls) node.className = cls;
    node.append(...inside.filter((one) => one !== ""));
    return node;
  }
  function button(words, act) {
    const node = make("button", "", words);
    node.type = "button";
    node.addEventListener("click", act);
    return node;
  }
  // A long path or name may go on below itself behind each backslash, and nowhere within a word.
  const soft = (text) => text.split(/(?<=\\)/).flatMap((part, at) => at ? [document.createElement("wbr"), part] : [part]);
  const isGap = (text) => text.startsWith("?? ") || text.startsWith("-  ");
  const isIdle = (text) => text === "none" || text === "null" || text === "0";

  // ---- cards
  function fields(sections) {
    const whole = make("div", "fields");
    for (const [title, rows, cells] of sections) {
      whole.append(make("h3", "", S[title]));
      const body = make("tbody", "");
      for (const row of cells) {
        const line = make("tr", "");
        const on = S[row[1]] === "enabled";
        row.slice(1).forEach((cell, at) => line.append(make("td", (on ? "enabled" : "") + (at || row.length < 4 ? "" : " state"), ...soft(S[cell]))));
        if (on && row.length > 4) line.lastChild.className = "danger";
        body.append(line);
      }
      if (cells.length) whole.append(make("table", "", body));
      const list = make("tbody", "");
      for (const [label, value, read] of rows) {
        const head = make("th", "", S[label]);
        head.scope = "row";
        const text = S[value];
        const cell = make("td", isGap(text) ? "gap" : isIdle(text) ? "idle" : text.startsWith("!! ") ? "danger" : "", ...soft(text));
        if (read !== undefined) cell.append(make("span", "read", S[read]));
        list.append(make("tr", "", S[label] ? head : make("td", ""), cell));
      }
      if (rows.length) whole.append(make("table", "", list));
    }
    return whole;
  }
  function tokenLink(number, words) {
    const link = make("a", "", words || S[data.tokens[number][0]]);
    link.href = "#t" + number;
    return link;
  }
  function threadTable(threads, plain) {
    const part = make("div", "fields", make("h3", "", "Threads"));
    const body = make("tbody", "");
    for (const [cells, token, notes] of threads) {
      const line = make("tr", "");
      cells.forEach((cell, at) => line.append(make("td", "", at === 3 && token >= 0 ? tokenLink(token, S[cell]) : S[cell])));
      if (S[notes]) line.append(make("td", "gap", S[notes]));
      body.append(line);
    }
    if (threads.length) part.append(make("p", "muted", "Impersonating, or not known:"), make("table", "", body));
    part.append(make("p", "", S[plain] ? "Under the primary token: " + S[plain] : threads.length ? "" : "none are told of"));
    return part;
  }
  function content(id) {
    const number = Number(id.slice(1));
    if (id[0] === "t") {
      const token = data.tokens[number];
      return [S[token[1]], (S[token[0]].startsWith("0x") ? "Token " : "A ") + S[token[0]], number, -1, [fields(token[2])]];
    }
    const [name, token, linked, sections, threads, plain, problems, , reason] = data.processes[number];
    const parts = problems.map((one) => make("p", "problem", S[one]));
    if (S[reason]) parts.push(make("p", "muted", "Its token is another than its parent's: " + S[reason] + "."));
    if (token >= 0) parts.push(fields(data.tokens[token][2].slice(0, 1)));
    parts.push(threadTable(threads, plain), fields(sections));
    if (token >= 0) parts.push(fields(data.tokens[token][2].slice(1)));
    const sub = token >= 0 ? S[data.tokens[token][1]] + ", token " + S[data.tokens[token][0]] : "its token is not known";
    return [S[name], sub, token, linked, parts];
  }
  let opened = "", back = null, why = false, chosen = -1, chosenName = "";
  function open(id, focus) {
    const list = id[0] === "t" ? data.tokens : data.processes;
    if (!/^[pt]\d+$/.test(id) || !list[Number(id.slice(1))]) return;
    const [title, sub, token, linked, parts] = content(id);
    document.querySelectorAll("tr.on").forEach((row) => row.classList.remove("on"));
    const row = byId(id);
    if (row && row.tagName === "TR") { row.classList.add("on"); stop(row); }
    opened = id;
    const head = make("h2", "", title);
    head.id = "card-title";
    head.tabIndex = -1;
    const tools = make("div", "card-tools");
    const reads = button("Where each value was read", () => {
      why = !why;
      card.classList.toggle("why", why);
      reads.setAttribute("aria-pressed", String(why));
    });
    reads.setAttribute("aria-pressed", String(why));
    tools.append(reads);
    if (token >= 0) {
      if (chosen >= 0 && chosen !== token) tools.append(button("Compare with " + chosenName, () => show(chosen, chosenName, token, title)));
      tools.append(button(chosen === token ? "Chosen to compare; open another token" : "Choose to compare", () => {
        chosen = token; chosenName = title; open(id, false); card.querySelector(".card-tools").lastChild.focus();
      }));
      if (linked >= 0) tools.append(button("Compare with its linked token", () => show(token, title, linked, "linked token")));
    }
    card.replaceChildren(make("div", "card-head", make("div", "", head, make("p", "muted", sub)), button("Close", close)), tools, ...parts);
    card.classList.toggle("why", why);
    card.hidden = false;
    card.scrollTop = 0;
    document.body.classList.add("card-open");
    if (focus) { back = document.activeElement; head.focus(); }
  }
  function close() {
    card.hidden = true;
    document.body.classList.remove("card-open");
    const row = byId(opened);
    if (row && row.tagName === "TR") row.focus(); else if (back) back.focus();
    if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  }

  // ---- two tokens side by side
  const NOT_COMPARED = "At a glance";
  const MAY_LACK = /^(Bookkeeping|Logon|Members of )/;  // a row that is not there was not told
  function flat(token) {
    const found = new Map();
    for (const [title, rows, cells] of token[2]) {
      const section = S[title].split(" (")[0];
      if (section === NOT_COMPARED) continue;
      const here = new Map();
      cells.forEach((row) => {
        const words = row.slice(1).map((cell) => S[cell]);
        const name = row.length > 2 && words.length > 1 && words.includes(S[row[0]]) ? S[row[0]] : words.join("  ");
        here.set(name, words.filter((one) => one && one !== name).join(", ") || "listed");
      });
      let last = "";
      for (const [label, value] of rows) {
        if (!S[label] && !S[value]) continue;
        if (S[label]) { last = S[label]; here.set(last, S[value]); } else here.set(last, (here.get(last) || "") + "\n" + S[value]);
      }
      found.set(section, here);
    }
    return found;
  }
  function lacking(section, title, unknown) {
    if (!section) return unknown.includes(title) ? "?? not known" : "none";
    const all = section.get(title);
    if (all && isGap(all)) return all;
    if (section.has("Not all of it")) return "?? not in the part that is shown";
    if (MAY_LACK.test(title)) return "-  not told";
    return title === "Privileges" ? "not held" : title === "Identity" || title === "Policy" ? "none" : "not listed";
  }
  function show(a, nameA, b, nameB) {
    const one = flat(data.tokens[a]), two = flat(data.tokens[b]);
    const unknownA = data.tokens[a][3].map((at) => S[at]), unknownB = data.tokens[b][3].map((at) => S[at]);
    const body = make("tbody", "");
    let differ = 0, unknown = 0, same = 0;
    for (const title of new Set([...one.keys(), ...two.keys()])) {
      const mine = one.get(title), theirs = two.get(title);
      const heading = make("th", "", title);
      heading.colSpan = 3;
      heading.scope = "colgroup";
      body.append(make("tr", "", heading));
      for (const name of new Set([...(mine || new Map()).keys(), ...(theirs || new Map()).keys()])) {
        const left = mine && mine.has(name) ? mine.get(name) : lacking(mine, title, unknownA);
        const right = theirs && theirs.has(name) ? theirs.get(name) : lacking(theirs, title, unknownB);
        const gap = isGap(left) || isGap(right);
        if (gap) unknown += 1; else if (left === right) same += 1; else differ += 1;
        const head = make("th", "", name);
        head.scope = "row";
        body.append(make("tr", gap ? "unknown" : left === right ? "same" : "differs", head,
          make("td", isGap(left) ? "gap" : "", left), make("td", isGap(right) ? "gap" : "", right)));
      }
    }
    const only = make("input", "");
    only.type = "checkbox";
    only.checked = true;
    const keep = () => body.querySelectorAll("tr.same, tr.unknown").forEach((row) => { row.hidden = only.checked; });
    only.addEventListener("change", keep);
    keep();
    const heading = make("h2", "", "Two tokens side by side");
    heading.id = "compare-title";
    const heads = ["", nameA + "\n" + S[data.tokens[a][0]], nameB + "\n" + S[data.tokens[b][0]]].map((words, at) => {
      const cell = make(at ? "th" : "td", "", words);
      if (at) cell.scope = "col";
      return cell;
    });
    compare.replaceChildren(
      make("div", "card-head", heading, button("Close", () => compare.close())),
      make("p", "", differ + " differ, " + same + " are the same, " + unknown + " cannot be compared since one side does not tell."),
      make("p", "muted", "Ids under Bookkeeping differ between any two tokens. kdtoken diff gives a verdict on two tokens."),
      make("label", "", only, " only what differs"),
      make("table", "", make("thead", "", make("tr", "", ...heads)), body));
    compare.showModal();
  }

  // ---- the tree
  const trees = [...document.querySelectorAll("table.tree")];
  const rows = [...document.querySelectorAll("table.tree tbody tr")];
  const depth = rows.map((row) => Number(row.dataset.depth));
  const end = rows.length;
  const tree = rows.map((row) => row.closest("table"));
  rows.forEach((row, at) => {
    row.at = at;
    row.tabIndex = -1;
    row.setAttribute("aria-level", String(depth[at] + 1));
    row.parent = at + 1 < end && depth[at + 1] > depth[at] && tree[at + 1] === tree[at];
    if (row.parent) row.setAttribute("aria-expanded", "true");
  });
  trees.forEach((table) => {
    table.setAttribute("role", "treegrid");
    const first = table.querySelector("tbody tr");
    if (first) first.tabIndex = 0;
  });
  function stop(row) {
    row.closest("table").querySelectorAll('tr[tabindex="0"]').forEach((one) => { one.tabIndex = -1; });
    row.tabIndex = 0;
  }
  function go(row) { if (row) { stop(row); row.focus(); } }
  function step(row, by) {
    for (let at = row.at + by; at >= 0 && at < end; at += by) if (!rows[at].hidden) return go(rows[at]);
  }
  function fold(row, closed) {
    row.classList.toggle("folded", closed);
    row.setAttribute("aria-expanded", String(!closed));
    sieve();
  }
  document.addEventListener("click", (event) => {
    const row = event.target.closest("table.tree tbody tr");
    if (row && !String(getSelection())) open(row.id, false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !card.hidden && !compare.open) return close();
    const row = event.target.closest ? event.target.closest("table.tree tbody tr") : null;
    if (!row || event.target !== row || event.ctrlKey || event.altKey || event.metaKey) return;
    const act = {
      ArrowDown: () => step(row, 1), ArrowUp: () => step(row, -1),
      Home: () => go(rows.find((one) => !one.hidden)), End: () => go([...rows].reverse().find((one) => !one.hidden)),
      Enter: () => open(row.id, true), " ": () => open(row.id, true),
      ArrowRight: () => (row.classList.contains("folded") ? fold(row, false) : step(row, 1)),
      ArrowLeft: () => {
        if (row.parent && !row.classList.contains("folded")) return fold(row, true);
        for (let at = row.at - 1; at >= 0; at -= 1) if (depth[at] < depth[row.at]) return go(rows[at]);
      },
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  // ---- search and filter
  const q = byId("q"), user = byId("user"), level = byId("level"), strange = byId("strange"), changed = byId("changed");
  const texts = rows.map((row) => (row.textContent + " " + S[data.processes[Number(row.id.slice(1))][7]]).toLowerCase());
  const users = rows.map((row) => row.cells[1].textContent), levels = rows.map((row) => row.cells[2].textContent.trim());
  for (const [select, list] of [[user, users], [level, levels]]) {
    for (const words of [...new Set(list)].sort()) {
      const option = make("option", "", words);
      option.value = words;
      select.append(option);
    }
  }
  function sieve() {
    const words = q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const asked = Boolean(words.length || user.value || level.value || strange.checked || changed.checked);
    let found = 0, above = 0;
    for (let at = end - 1; at >= 0; at -= 1) {  // backwards: what holds a wanted row is kept above it
      const hit = words.every((word) => texts[at].includes(word)) && (!user.value || users[at] === user.value) &&
        (!level.value || levels[at] === level.value) && (!strange.checked || data.processes[Number(rows[at].id.slice(1))][9] === 1) &&
        (!changed.checked || rows[at].classList.contains("changed"));
      if (at + 1 < end && tree[at] !== tree[at + 1]) above = 0;
      const holds = depth[at] < above;
      if (hit) found += 1;
      if (hit || holds) above = depth[at];
      rows[at].hidden = !(hit || holds);
      rows[at].classList.toggle("beside", asked && !hit && holds);
    }
    if (!asked) {
      let shut = -1;
      for (let at = 0; at < end; at += 1) {
        if (at && tree[at] !== tree[at - 1]) shut = -1;
        if (shut >= 0 && depth[at] > shut) { rows[at].hidden = true; continue; }
        shut = rows[at].classList.contains("folded") ? depth[at] : -1;
      }
    }
    trees.forEach((table) => {
      const stopAt = table.querySelector('tr[tabindex="0"]');
      const visible = table.querySelector("tbody tr:not([hidden])");
      if (visible && (!stopAt || stopAt.hidden)) stop(visible);
    });
    byId("count").textContent = asked ? found + " of " + end : end + (end === 1 ? " process" : " processes");
  }
  let waiting = 0;
  q.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(sieve, 80); });
  [user, level, strange, changed].forEach((one) => one.addEventListener("change", sieve));
  byId("filter").addEventListener("submit", (event) => { event.preventDefault(); sieve(); });
  sieve();

  // ---- links to cards, light and dark, print
  function follow() { const id = location.hash.slice(1); if (/^[pt]\d+$/.test(id)) open(id, true); }
  addEventListener("hashchange", follow);
  follow();
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  byId("print").addEventListener("click", () => print());
  const shut = [];
  addEventListener("beforeprint", () => {
    document.querySelectorAll("details:not([open]):not(.more)").forEach((one) => { one.open = true; shut.push(one); });
    const named = new Set([...document.querySelectorAll(".finding.worst a, .finding.odd a")].map((link) => link.hash.slice(1)));
    // A page of tokens alone, which whoami's text makes, has nothing else to print.
    if (!rows.length) document.querySelectorAll(".tokens li").forEach((one) => named.add(one.id));
    const shown = [...named].filter((id) => id[0] === "p" || !rows.length).map((id) => {
      const [title, sub, , , parts] = content(id);
      return make("article", "", make("h2", "", title), make("p", "muted", sub), ...parts);
    });
    byId("printed").replaceChildren(...shown);
  });
  addEventListener("afterprint", () => {
    shut.splice(0).forEach((one) => { one.open = false; });
    byId("printed").replaceChildren();
  });
})();

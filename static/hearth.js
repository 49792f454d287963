// Keeps a page live over one WebSocket. The page is complete without it.
"use strict";
{
  const SILENT_MS = 16000; // the server speaks every 5 s
  const CHARTS_MS = 60000;
  const FETCH_AT_MOST_MS = 1000;
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const main = $("#main");
  const link = $("#link");
  const lost = $("#lost");
  let socket, pause, heard, retry, connected;
  let ahead = Number(main.dataset.now) - Date.now(); // the server's clock
  let dragging = false;

  document.documentElement.classList.add("scripted");

  // Ages, in the same words as the server's.
  const age = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000));
    if (s < 2) return "just now";
    if (s < 60) return `${s} s ago`;
    if (s < 3600) return `${Math.floor(s / 60)} min ago`;
    if (s < 172800) return `${Math.floor(s / 3600)} h ago`;
    return `${Math.floor(s / 86400)} days ago`;
  };
  const left = (ms) => {
    const s = Math.max(0, Math.ceil(ms / 1000));
    if (s < 1) return "now";
    if (s < 60) return `${s} s left`;
    if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s left`;
    if (s < 172800) return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min left`;
    return `${Math.floor(s / 86400)} days left`;
  };
  const write = (element, text) => {
    if (element && element.textContent !== text) element.textContent = text;
  };
  const tick = () => {
    const now = Date.now() + ahead;
    for (const time of all("time[data-at]")) write(time, age(now - time.dataset.at));
    for (const wait of all("[data-until]")) write(wait, left(wait.dataset.until - now));
    if (connected && Date.now() - heard > SILENT_MS) socket.close();
  };

  // One thing's update.
  const show = (thing) => {
    for (const tile of all(`[data-thing="${CSS.escape(thing.thing)}"]`)) {
      const value = $("[data-text]", tile);
      write(value, thing.text);
      value.value = thing.raw;
      write($(".unit", tile), thing.unit);
      write($("[data-note]", tile), thing.stale);
      tile.classList.toggle("stale", thing.stale !== "");
      const time = $(".meta time", tile);
      if (time && thing.at) time.dataset.at = thing.at;
      const button = $("[role=switch]", tile);
      if (button) {
        button.setAttribute("aria-checked", thing.on === true);
        button.value = thing.on ? "off" : "on";
      }
      const range = $(".set input[type=range]", tile);
      if (range && !dragging && thing.number !== undefined && thing.stage !== "waiting") range.value = thing.number;
      told(tile, thing.command, thing.stage, thing.steps);
    }
  };
  // How far a command came; said aloud where it was given.
  const told = (tile, words, stage, steps = words) => {
    const line = $("[data-command]", tile);
    const shown = line?.dataset.command ? steps : words;
    if (!line || line.textContent === shown) return;
    write(line, shown);
    line.className = `command ${stage}`;
    if (tile.dataset.asked && stage !== "waiting") {
      delete tile.dataset.asked;
      write($("#announce"), `${$("h1, h3", tile).textContent.trim()}: ${words}`);
    }
  };

  // Fetches this page again and puts in what is new, without losing the place.
  const fresh = async (from = location.href) => {
    const response = await fetch(from, { headers: { accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return response.ok ? $("#main", page) : null;
  };
  const put = (place, next) => {
    const open = new Map(all("details", place).map((details, i) => [details.id || i, details.open]));
    place.replaceChildren(...next.childNodes);
    all("details", place).forEach((details, i) => { details.open = open.get(details.id || i) ?? details.open; });
  };
  // News that come meanwhile are not told again: they are fetched afterwards.
  let fetching = false;
  let missed = false;
  const replace = async () => {
    missed = fetching || dragging;
    if (missed) return;
    fetching = true;
    try {
      const { fresh: from } = main.dataset;
      const next = await fresh(from);
      if (next && !dragging) {
        const focused = document.activeElement?.id;
        // What a person has begun to write stays.
        const parts = from || $("form[data-touched]") ? all("[data-part]") : [main];
        for (const part of parts) {
          const news = part === main ? next : $(`#${part.id}`, next);
          if (news) put(part, news);
        }
        scrubs();
        Object.assign(main.dataset, next.dataset);
        if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
      }
    } catch { /* the next update asks again */ }
    setTimeout(() => {
      fetching = false;
      if (missed) replace();
    }, FETCH_AT_MOST_MS);
  };
  // Who set this thing: rules tell it a moment after they did. A measurement comes from where
  // it always came; no page with its charts has to be made for that.
  let asking;
  const why = ({ thing, number, stage }) => {
    clearTimeout(asking);
    asking = setTimeout(async () => {
      try {
        if (number !== undefined && !stage) {
          const path = thing.split("/").slice(1).map(encodeURIComponent).join("/");
          const { sentence } = await (await fetch(`/api/things/${path}/why`)).json();
          return write($("[data-why] p"), sentence);
        }
        const next = $("[data-why]", await fresh());
        if (next) $("[data-why]")?.replaceChildren(...next.childNodes);
      } catch { /* it stays as it is */ }
    }, FETCH_AT_MOST_MS);
  };
  const charts = async () => {
    const stays = (chart) => chart.matches("[data-past]") || $(".scrub:focus", chart);
    if (!connected || document.hidden || all("[data-chart]").every(stays)) return;
    try {
      const next = await fresh();
      for (const chart of next ? all("[data-chart]", next) : []) {
        const place = $(`[data-chart="${CSS.escape(chart.dataset.chart)}"]`);
        if (!place || stays(place)) continue;
        Object.assign(place.dataset, chart.dataset);
        put(place, chart);
      }
      scrubs();
    } catch { /* they stay as they are */ }
  };

  // What is dear to make, and changes slowly; not while somebody chooses there.
  const slow = async () => {
    const places = all("[data-slow]").filter((place) => !$(":checked, :focus", place));
    if (!places.length || !connected || document.hidden) return;
    try {
      const next = await fresh();
      for (const place of next ? places : []) {
        const news = $(`#${place.id}`, next);
        if (news && !$(":checked, :focus", place)) put(place, news);
      }
    } catch { /* they stay as they are */ }
  };

  // The values of a chart: under the pointer, and with the arrow keys. Its table has them.
  const rows = (chart) => all("tr[data-at]", chart);
  const words = (chart, row) => {
    const heads = all("th[data-unit]", chart);
    const cells = [...row.cells].slice(1).map(({ textContent }, i) => {
      const { unit, label } = heads[i].dataset;
      const known = /\d/.test(textContent) && !row.dataset.untilAt;
      return `${label ? `${label}: ` : ""}${textContent}${known && unit ? ` ${unit}` : ""}`;
    });
    return [row.cells[0].textContent, ...cells].join("\n");
  };
  const point = (chart, row) => {
    const drawing = all("svg.chart", chart).find((svg) => svg.clientWidth);
    let mark = $(".mark", chart);
    if (!row || !drawing) return mark?.remove();
    if (!mark) {
      mark = document.createElement("div");
      mark.className = "mark";
      mark.ariaHidden = "true";
      mark.append(document.createElement("p"));
      chart.append(mark);
    }
    const { from, to } = chart.dataset;
    const [left, width] = across(chart, drawing);
    const at = (Number(row.dataset.at) + Number(row.dataset.untilAt ?? row.dataset.at)) / 2;
    const part = Math.min(1, Math.max(0, (at - from) / (to - from)));
    const last = all("svg.chart", chart).findLast((svg) => svg.clientWidth).getBoundingClientRect();
    mark.style.left = `${left + part * width}px`;
    const height = last.bottom - chart.getBoundingClientRect().top;
    mark.style.height = `${height}px`;
    mark.classList.toggle("low", height < 140);
    mark.classList.toggle("turned", part > 0.5);
    write($("p", mark), words(chart, row));
  };
  // Where the time of a drawing begins, and how wide it is on the screen.
  const across = (chart, drawing) => {
    const scale = drawing.clientWidth / drawing.viewBox.baseVal.width;
    const left = chart.dataset.left * scale;
    return [left, drawing.clientWidth - left - chart.dataset.right * scale];
  };
  const under = (chart, x) => {
    const drawing = all("svg.chart", chart).find((svg) => svg.clientWidth);
    const { from, to } = chart.dataset;
    const [left, width] = across(chart, drawing);
    const at = Number(from) + ((x - drawing.getBoundingClientRect().left - left) / width) * (to - from);
    const far = ({ dataset: d }) => Math.max(d.at - at, at - (d.untilAt ?? d.holds ?? d.at), 0);
    return rows(chart).reduce((best, row) => (far(row) <= far(best) ? row : best));
  };
  // A slider for the keyboard and for screen readers.
  const scrubs = () => {
    for (const chart of all("[data-chart][data-from]")) {
      const count = rows(chart).length;
      if (!count || $(".scrub", chart)) continue;
      const scrub = document.createElement("input");
      Object.assign(scrub, { type: "range", id: "values", className: "scrub", min: 0, max: count - 1, value: count - 1 });
      scrub.ariaLabel = "Values of the chart";
      scrub.ariaValueText = words(chart, rows(chart)[count - 1]);
      ($(".legend, details", chart) ?? $(".mark", chart)).before(scrub);
    }
  };
  const scrub = ({ target }) => {
    const chart = target.matches?.(".scrub") && target.closest("[data-chart]");
    if (!chart) return;
    const row = rows(chart)[target.value];
    target.ariaValueText = words(chart, row).replaceAll("\n", ", ");
    point(chart, row);
  };
  document.addEventListener("focusin", scrub);
  document.addEventListener("input", scrub);
  document.addEventListener("focusout", ({ target }) => {
    if (target.matches?.(".scrub")) point(target.closest("[data-chart]"));
  });
  for (const type of ["pointermove", "pointerdown"]) {
    document.addEventListener(type, ({ target, clientX }) => {
      const chart = target.closest?.("svg.chart")?.closest("[data-from]");
      if (chart && rows(chart).length) point(chart, under(chart, clientX));
      else for (const mark of all(".mark")) if (!$(".scrub:focus")) mark.remove();
    });
  }

  // The connection.
  const state = (up, words) => {
    connected = up;
    document.documentElement.classList.toggle("lost", !up);
    link.hidden = false;
    link.classList.toggle("off", !up);
    write(link, up ? "live" : "not connected");
    lost.hidden = up;
    write(lost, up ? "" : words);
  };
  const connect = () => {
    clearTimeout(retry);
    if (socket && socket.readyState < WebSocket.CLOSING) return;
    heard = Date.now();
    socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/live");
    socket.onmessage = ({ data }) => {
      const news = JSON.parse(data);
      heard = Date.now();
      pause = 500;
      ahead = news.now - heard;
      if (!connected) state(true);
      news.things.forEach(show);
      const shown = $("[data-why]") && $("[data-chart]")?.dataset.chart;
      const said = news.things.find((one) => one.thing === shown);
      if (shown && said) why(said);
      tick();
      const version = news.versions[main.dataset.watch];
      if (version && version !== main.dataset.version) replace();
    };
    socket.onclose = ({ reason }) => {
      const why = reason ? `${reason}.` : "The connection to Hearth is lost.";
      state(false, `${why} What you see may no longer hold; trying again.`);
      pause = Math.min((pause || 500) * 2, 15000);
      retry = setTimeout(connect, pause * (0.75 + Math.random() / 2));
    };
  };
  addEventListener("online", connect);
  addEventListener("pagehide", () => { socket.onclose = null; socket.close(); });
  addEventListener("pageshow", ({ persisted }) => { if (persisted) connect(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) connect(); });

  document.addEventListener("focusin", ({ target }) => {
    const form = target.closest("form.map");
    if (form) form.dataset.touched = "";
  });

  // Commands.
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form.set");
    if (!form) return;
    event.preventDefault();
    const tile = form.closest("[data-thing]");
    const control = $("[name=to]", form);
    const to = control.value;
    control.setAttribute("aria-busy", "true");
    tile.dataset.asked = "1";
    try {
      const path = new URL(form.action).pathname.replace(/^\/thing\//, "/api/things/");
      const response = await fetch(path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ to }),
      });
      if (!response.ok) throw new Error((await response.json()).detail);
    } catch (error) {
      told(tile, `Not sent: ${error.message}`, "failed");
    }
    control.removeAttribute("aria-busy");
  });
  // Buttons and switches of rules: what comes of them is told over the connection.
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form.ask");
    if (!form || !connected) return;
    event.preventDefault();
    const button = event.submitter ?? $("button", form);
    const body = new URLSearchParams(new FormData(form, button));
    button.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(form.action, { method: "POST", body, redirect: "manual" });
      if (response.type !== "opaqueredirect") throw new Error("Hearth refused it");
      write($("#announce"), `${button.textContent.trim() || "The rule"}: sent`);
      button.classList.add("sent");
      setTimeout(() => button.classList.remove("sent"), 1500);
    } catch (error) {
      write($("#announce"), `Not sent: ${error.message}`);
      form.submit();
    }
    button.removeAttribute("aria-busy");
  });
  document.addEventListener("input", ({ target }) => {
    if (target.type !== "range" || !target.form) return;
    dragging = true;
    write($("[data-text]", target.closest("[data-thing]")), target.value);
  });
  document.addEventListener("change", ({ target }) => {
    if (target.type !== "range" || !target.form) return;
    dragging = false;
    if (missed) replace();
    target.form.requestSubmit();
  });

  setInterval(tick, 1000);
  setInterval(charts, CHARTS_MS);
  setInterval(slow, CHARTS_MS);
  scrubs();
  connect();
}

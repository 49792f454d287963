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
      const range = $("input[type=range]", tile);
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
  const fresh = async () => {
    const response = await fetch(location.href, { headers: { accept: "text/html" } });
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
      const next = await fresh();
      if (next && !dragging) {
        const focused = document.activeElement?.id;
        // What a person has begun to write stays.
        const parts = $("form[data-touched]") ? all("[data-part]") : [main];
        for (const part of parts) {
          const news = part === main ? next : $(`#${part.id}`, next);
          if (news) put(part, news);
        }
        Object.assign(main.dataset, next.dataset);
        if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
      }
    } catch { /* the next update asks again */ }
    setTimeout(() => {
      fetching = false;
      if (missed) replace();
    }, FETCH_AT_MOST_MS);
  };
  // Who set this thing: rules tell it a moment after they did.
  let asking;
  const why = () => {
    clearTimeout(asking);
    asking = setTimeout(async () => {
      try {
        const next = $("[data-why]", await fresh());
        if (next) $("[data-why]")?.replaceChildren(...next.childNodes);
      } catch { /* it stays as it is */ }
    }, FETCH_AT_MOST_MS);
  };
  const charts = async () => {
    if (!connected || document.hidden || !$("[data-chart]")) return;
    try {
      const next = await fresh();
      for (const chart of next ? all("[data-chart]", next) : []) {
        $(`[data-chart="${CSS.escape(chart.dataset.chart)}"]`)?.replaceChildren(...chart.childNodes);
      }
    } catch { /* they stay as they are */ }
  };

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
      if ($("[data-why]") && news.things.some(({ thing }) => thing === $("[data-chart]")?.dataset.chart)) why();
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
    if (target.type !== "range") return;
    dragging = true;
    write($("[data-text]", target.closest("[data-thing]")), target.value);
  });
  document.addEventListener("change", ({ target }) => {
    if (target.type !== "range") return;
    dragging = false;
    if (missed) replace();
    target.form.requestSubmit();
  });

  setInterval(tick, 1000);
  setInterval(charts, CHARTS_MS);
  connect();
}

// Reads the API when an event says that something happened, and every few seconds; writes nothing.

import { watchOutput } from "./output.js";
import * as tables from "./tables.js";

const EVENTS_KEPT = 100;
const QUIET_MS = 5000; // between two looks when nothing happens
const BUSY_MS = 700; // and when much does
const TYPES = [
  "api_post_event", "status_update_event", "instance_changed_event", "instance_health_changed_event",
  "health_status_changed_event", "failed_health_check_event", "unhealthy_instance_kill_event", "app_terminated_event",
  "add_health_check_event", "remove_health_check_event", "group_change_success", "group_change_failed",
  "deployment_info", "deployment_step_success", "deployment_success", "deployment_failed",
];
const SOURCES = {
  apps: ["/v2/apps?embed=apps.counts&embed=apps.deployments&embed=apps.lastTaskFailure", (body) => body.apps],
  tasks: ["/v2/tasks", (body) => body.tasks],
  deployments: ["/v2/deployments", (body) => body],
  queue: ["/v2/queue", (body) => body.queue],
  nodes: ["/local/nodes", (body) => body.nodes],
};

const found = { apps: [], tasks: [], deployments: [], queue: [], nodes: [], events: [] };
const filter = document.getElementById("filter");
const line = document.getElementById("link");
let timer = 0;
let due = Infinity;
let reading = false;
let known = false; // whether the API has answered yet

const NAMED = {
  apps: (app) => app.id,
  tasks: (task) => `${task.appId} ${task.id} ${task.host}`,
  deployments: (each) => each.affectedApps.join(" "),
  queue: (item) => item.app?.id ?? "",
  nodes: (node) => node.address,
  events: (event) => JSON.stringify(event),
};

function draw(...names) {
  if (!known) return;
  const text = filter.value.trim().toLowerCase();
  for (const name of names) {
    tables[name](found[name].filter((row) => !text || NAMED[name](row).toLowerCase().includes(text)));
  }
  const running = found.tasks.filter((task) => task.state === "TASK_RUNNING").length;
  document.getElementById("summary").textContent = `${found.apps.length} apps, ${running} tasks running`;
}

async function read([address, part]) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${address} answers ${answer.status}`);
  return part(await answer.json());
}

async function refresh() {
  if (reading || document.hidden) return;
  reading = true;
  due = Infinity;
  const began = performance.now();
  try {
    const names = Object.keys(SOURCES);
    const answers = await Promise.all(names.map((name) => read(SOURCES[name])));
    names.forEach((name, index) => { found[name] = answers[index]; });
    found.apps.sort((one, other) => (one.id < other.id ? -1 : 1));
    found.tasks.sort((one, other) => (one.appId + one.id < other.appId + other.id ? -1 : 1));
    const isFirst = !known;
    known = true;
    draw(...names, ...(isFirst ? ["events"] : []));
  } catch (error) {
    lost(error.message);
  }
  reading = false;
  const took = performance.now() - began;
  soon(Math.max(due === Infinity ? QUIET_MS : BUSY_MS, 4 * took)); // a large cluster is not asked all the time
}

function soon(after) {
  const at = performance.now() + after;
  if (at >= due && timer) return;
  clearTimeout(timer);
  due = at;
  timer = setTimeout(() => { timer = 0; refresh(); }, after);
}

function lost(why) {
  line.className = "lost";
  line.textContent = `no answer (${why})`;
}

let drawing = false;
function happened(message) {
  found.events.unshift(JSON.parse(message.data));
  found.events.length = Math.min(found.events.length, EVENTS_KEPT);
  if (!drawing) {
    drawing = true;
    setTimeout(() => { drawing = false; draw("events"); }, 200);
  }
  soon(BUSY_MS);
}

function listen() {
  const stream = new EventSource("/v2/events?plan-format=light");
  stream.onopen = () => { line.className = "live"; line.textContent = "live"; soon(0); };
  stream.onerror = () => {
    lost("events");
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, QUIET_MS);
  };
  for (const type of TYPES) stream.addEventListener(type, happened);
}

filter.addEventListener("input", () => draw(...Object.keys(found)));
document.addEventListener("visibilitychange", () => soon(0));
window.addEventListener("pagehide", () => clearTimeout(timer));
watchOutput();
listen();
refresh();

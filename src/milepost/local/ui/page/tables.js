// What each table shows of the API's answers.

import { element, link, show } from "./dom.js";

const mark = (kind, text) => element("span", { className: kind }, text);
const time = (text) => (text ? text.slice(0, 10) + " " + text.slice(11, 19) : "");
const spaced = (parts) => parts.flatMap((part, index) => (index ? [" ", part] : [part]));

function bar(app) {
  const unknown = app.tasksRunning - app.tasksHealthy - app.tasksUnhealthy;
  const parts = [["good", app.tasksHealthy], ["bad", app.tasksUnhealthy], ["plain", unknown], ["busy", app.tasksStaged]];
  const whole = Math.max(1, app.instances, app.tasksRunning + app.tasksStaged);
  const made = element("span", { className: "bar" }, ...parts.filter(([, count]) => count > 0).map(([kind, count]) => {
    const part = element("i", { className: kind });
    part.style.width = `${(100 * count) / whole}%`;
    return part;
  }));
  made.title = `${app.tasksHealthy} healthy, ${app.tasksUnhealthy} unhealthy, ${Math.max(0, unknown)} without a word on it, `
    + `${app.tasksStaged} staged, ${app.instances} wanted`;
  return made;
}

const runs = (app) => app.container?.docker?.image ?? app.cmd ?? (app.args ?? []).join(" ");

function condition(app) {
  if (app.deployments?.length) return mark("busy", "deploying");
  if (app.instances === 0 && app.tasksRunning === 0) return mark("quiet", "suspended");
  if (app.tasksUnhealthy) return mark("bad", "unhealthy");
  return app.tasksRunning < app.instances ? mark("busy", "waiting") : mark("good", "running");
}

function health(task) {
  const results = task.healthCheckResults ?? [];
  if (!results.length) return mark("quiet", "-");
  const failed = results.find((result) => !result.alive);
  const said = mark(failed ? "bad" : "good", failed ? "unhealthy" : "healthy");
  said.title = failed?.lastFailureCause ?? "";
  return said;
}

const STATES = { TASK_RUNNING: "good", TASK_FAILED: "bad", TASK_GONE: "bad", TASK_UNREACHABLE: "bad" };
const state = (task) => mark(STATES[task.state] ?? "busy", task.state.replace("TASK_", "").toLowerCase());
const ports = (task) => task.ports.map((port) => link(`http://${task.host}:${port}/`, String(port)));
const output = (task) => ["stdout", "stderr"].map((name) => link(`#/output/${encodeURIComponent(task.id)}/${name}`, name));

export function apps(rows) {
  show("apps", rows, [
    ["App", (app) => app.id, "code"],
    ["Health", bar],
    ["Tasks", (app) => `${app.tasksRunning}/${app.instances}`, "number"],
    ["State", condition],
    ["Runs", runs, "code brief"],
    ["CPUs, MiB", (app) => `${app.cpus}, ${app.mem}`, "number"],
    ["Service ports", (app) => (app.ports ?? []).join(" "), "number"],
    ["Last failure", (app) => app.lastTaskFailure
      ? `${time(app.lastTaskFailure.timestamp)} ${app.lastTaskFailure.message}` : "", "brief quiet"],
  ], "No apps yet. POST one to /v2/apps.");
}

export function tasks(rows) {
  show("tasks", rows, [
    ["Task", (task) => task.id, "code brief"],
    ["App", (task) => task.appId, "code"],
    ["State", state],
    ["Health", health],
    ["Node", (task) => task.host, "number"],
    ["Ports", (task) => spaced(ports(task)), "number"],
    ["Started, UTC", (task) => time(task.startedAt ?? task.stagedAt), "number"],
    ["Output", (task) => spaced(output(task)), "number"],
  ], "No tasks.");
}

export function deployments(rows) {
  document.getElementById("deployments").hidden = !rows.length;
  show("deployments", rows, [
    ["Apps", (each) => each.affectedApps.join(" "), "code brief"],
    ["Step", (each) => [element("progress", { max: each.totalSteps || 1, value: Math.max(0, each.currentStep - 1) }),
      ` ${each.currentStep}/${each.totalSteps}`], "number"],
    ["Does", (each) => each.currentActions.map(({ action, app }) => `${action} ${app}`).join(", "), "brief"],
    ["Version, UTC", (each) => time(each.version), "number"],
    ["Deployment", (each) => each.id, "code"],
  ], "");
}

function why(item) {
  const seconds = item.delay.timeLeftSeconds;
  const refused = item.processedOffersSummary?.rejectSummaryLastOffers ?? [];
  const reasons = refused.filter(({ declined }) => declined).map(({ reason, declined, processed }) =>
    `${reason} on ${declined} of ${processed} nodes`);
  if (reasons.length) return reasons.join(", ");
  return item.delay.overdue ? "is about to start" : `starts again in ${seconds} s, after a failure`;
}

export function queue(rows) {
  document.getElementById("queue").hidden = !rows.length;
  show("queue", rows, [
    ["App", (item) => item.app?.id ?? item.pod?.id ?? "", "code"],
    ["Tasks to come", (item) => item.count, "number"],
    ["Why", why],
  ], "");
}

const UNLIMITED = 1e12;
const amount = (node, name) =>
  node.limits && node.limits[name] < UNLIMITED ? `${node.used[name]} of ${node.limits[name]}` : String(node.used[name]);

export function nodes(rows) {
  show("nodes", rows, [
    ["Node", (node) => node.address, "code"],
    ["State", (node) => mark(node.state === "up" ? "good" : "bad", node.state)],
    ["Tasks", (node) => node.tasks, "number"],
    ["CPUs", (node) => amount(node, "cpus"), "number"],
    ["Memory, MiB", (node) => amount(node, "mem"), "number"],
    ["Disk, MiB", (node) => amount(node, "disk"), "number"],
    ["Attributes", (node) => Object.entries(node.attributes).map((pair) => pair.join("=")).join(" "), "code"],
  ], "No nodes.");
}

const DETAILS = ["taskStatus", "condition", "alive", "healthy", "host", "reason", "message", "taskId", "instanceId", "id"];
const subject = (event) => event.appId ?? event.runSpecId ?? event.groupId ?? event.appDefinition?.id ?? "";

function details(event) {
  const steps = event.currentStep?.actions.map(({ action, app }) => `${action} ${app}`) ?? [];
  const said = DETAILS.filter((name) => event[name] !== undefined && event[name] !== "");
  return [...steps, ...said.map((name) => (name === "alive" || name === "healthy" ? `${name}: ${event[name]}` : event[name]))]
    .join("  ");
}

export function events(rows) {
  show("events", rows, [
    ["Time, UTC", (event) => event.timestamp.slice(11, 23), "number"],
    ["Event", (event) => event.eventType],
    ["About", subject, "code"],
    ["", details, "quiet"],
  ], "Nothing has happened since this page was opened.");
}

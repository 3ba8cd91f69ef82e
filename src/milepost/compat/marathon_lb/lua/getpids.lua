-- The service "getpids": the pids of this HAProxy's processes, master first, blank separated.
-- No process is started for it: HAProxy forbids that where it does not run as root.

local function read(path)
  local file = io.open(path)
  if not file then return "" end
  local text = file:read("a")
  file:close()
  return text
end

local function status(pid)
  local text = read("/proc/" .. pid .. "/status")
  return text:match("Name:%s*(%S+)"), text:match("\nPPid:%s*(%d+)"), text:match("\nPid:%s*(%d+)")
end

core.register_service("getpids", "http", function(applet)
  local name, parent, own = status("self")
  local pids = own
  if parent and status(parent) == name then
    local children = read("/proc/" .. parent .. "/task/" .. parent .. "/children")
    pids = parent
    for pid in children:gmatch("%d+") do
      if status(pid) == name then pids = pids .. " " .. pid end
    end
  end
  applet:set_status(200)
  applet:add_header("content-type", "text/plain")
  applet:add_header("content-length", #pids)
  applet:start_response()
  applet:send(pids)
end)

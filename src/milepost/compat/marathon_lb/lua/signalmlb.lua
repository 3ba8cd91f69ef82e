-- The services "signalmlbhup" and "signalmlbusr1": what these signals mean to the one that wrote this configuration.
-- It listens at a socket beside it, so no process has to be searched for, and no other is reached.

local function folder()
  local file = io.open("/proc/self/cmdline")
  local words = file and file:read("a") or ""
  if file then file:close() end
  local path = words:match("%z%-f%z([^%z]+)") or ""
  return path:match("^(.*/)") or "./"
end

local socket_path = folder() .. "marathon-lb.sock"

local function ask(word)
  local socket = core.tcp()
  socket:settimeout(5)
  if not socket:connect("unix@" .. socket_path) then return false end
  socket:send(word .. "\n")
  local answer = socket:receive("*l")
  socket:close()
  return answer == "ok"
end

local function serves(name, word, signal)
  core.register_service(name, "http", function(applet)
    local is_heard = ask(word)
    local text = "Sent " .. signal .. " signal to marathon-lb"
    if not is_heard then
      text = "Failed to send " .. signal .. " signal to marathon-lb (exit code 1). Does it run with --sse?"
    end
    applet:set_status(is_heard and 200 or 500)
    applet:add_header("content-type", "text/plain")
    applet:add_header("content-length", #text)
    applet:start_response()
    applet:send(text)
  end)
end

serves("signalmlbhup", "hup", "SIGHUP")
serves("signalmlbusr1", "usr1", "SIGUSR1")

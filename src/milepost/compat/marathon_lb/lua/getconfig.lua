-- The service "getconfig": the configuration as it was when this HAProxy started.

local function config()
  local file = io.open("/proc/self/cmdline")
  if not file then return "" end
  local words = file:read("a")
  file:close()
  local path = words:match("%z%-f%z([^%z]+)")
  local text = path and io.open(path)
  if not text then return "" end
  local content = text:read("a")
  text:close()
  return content
end

local at_start = config()

core.register_service("getconfig", "http", function(applet)
  applet:set_status(200)
  applet:add_header("content-type", "text/plain")
  applet:add_header("content-length", #at_start)
  applet:start_response()
  applet:send(at_start)
end)

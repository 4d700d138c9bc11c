-- Short sentences in turn, as fast as answers come, or, with DELAY milliseconds, at a rate.
local texts = {}
local place = 0
init = function()
  wrk.headers["Content-Type"] = "application/json"
  for line in io.lines(os.getenv("TEXTS")) do
    texts[#texts + 1] = wrk.format("POST", "/predict", nil, line)
  end
end
request = function()
  place = place % #texts + 1
  return texts[place]
end
local pause = tonumber(os.getenv("DELAY") or "0")
if pause > 0 then
  delay = function() return pause / 2 + math.random(pause) end
end
done = function(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %f %f %f\n", summary.requests, summary.duration,
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end

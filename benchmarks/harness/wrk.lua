-- Sends BENCH_BODY as a JSON POST when it is set, a GET otherwise, and prints the
-- numbers of the run as one line of JSON. It hooks into no single request or
-- answer, so it costs nothing while wrk measures.

local body = os.getenv("BENCH_BODY")
if body and body ~= "" then
   wrk.method = "POST"
   wrk.body = body
   wrk.headers["Content-Type"] = "application/json"
end

local cookie = os.getenv("BENCH_COOKIE")
if cookie and cookie ~= "" then
   wrk.headers["Cookie"] = cookie
end

function done(summary, latency, requests)
   local errors = summary.errors
   local sockets = errors.connect + errors.read + errors.write + errors.timeout
   io.write(string.format(
      'RESULT {"requests": %d, "seconds": %.6f, "socket_errors": %d, "bad_statuses": %d, '
         .. '"latency_mean_ms": %.4f, "latency_p50_ms": %.4f, "latency_p99_ms": %.4f}\n',
      summary.requests, summary.duration / 1e6, sockets, errors.status,
      latency.mean / 1e3, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end

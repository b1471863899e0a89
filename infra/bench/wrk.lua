-- Prints what wrk has measured as JSON.
done = function(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"answers":%d,"micros":%d,"refused":%d,"lost":%d,"p50":%d,"p99":%d}',
    summary.requests,
    summary.duration,
    errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50),
    latency:percentile(99)
  ))
end

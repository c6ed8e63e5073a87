import { expect, test } from "bun:test";

import { RequestCounts } from "../../src/operation/request-counts.ts";

test("requests are counted by method, route and status, their durations by route", () => {
  const counts = new RequestCounts();
  for (const seconds of [0.0005, 0.001, 0.02]) counts.add("GET", "/feed", 200, seconds);
  counts.add("GET", "/feed", 401, 200);
  counts.add("POST", "none", 404, 0.5);
  const lines = counts.text().split("\n");
  const requests = (labels: string) =>
    lines.find((line) => line.startsWith(`image_sharing_http_requests_total{${labels}} `))?.split(" ")[1];
  expect(requests('method="GET",route="/feed",status="200"')).toBe("3");
  expect(requests('method="GET",route="/feed",status="401"')).toBe("1");
  expect(requests('method="POST",route="none",status="404"')).toBe("1");

  const duration = "image_sharing_http_request_duration_seconds";
  expect(lines.filter((line) => line.startsWith("# TYPE"))).toEqual([
    "# TYPE image_sharing_http_requests_total counter",
    `# TYPE ${duration} histogram`,
  ]);
  const ofFeed = lines.filter((line) => line.startsWith(duration) && line.includes('route="/feed"'));
  expect(ofFeed.map((line) => line.slice(duration.length).replace('route="/feed"', ""))).toEqual([
    '_bucket{le="0.001",} 2',
    '_bucket{le="0.005",} 2',
    '_bucket{le="0.025",} 3',
    '_bucket{le="0.1",} 3',
    '_bucket{le="0.25",} 3',
    '_bucket{le="1",} 3',
    '_bucket{le="5",} 3',
    '_bucket{le="30",} 3',
    '_bucket{le="120",} 3',
    '_bucket{le="+Inf",} 4',
    "_sum{} 200.0215",
    "_count{} 4",
  ]);
});

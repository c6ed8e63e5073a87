import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { freePort, start, type Program } from "./programs.ts";

const nginx = Bun.which("nginx") ?? "/usr/sbin/nginx";

/**
 * Starts nginx with one worker and sendfile on a folder of files. It does not use `tcp_nopush`, which on the loopback makes
 * it wait 40 ms for an acknowledgement in every 64 kB range.
 * @throws Error with installation instructions if nginx is missing
 */
export function startNginx(folder: string, files: string): Promise<Program> {
  if (!existsSync(nginx)) throw new Error("nginx is missing. Install it with `apt-get install nginx-light`.");
  mkdirSync(folder, { recursive: true });
  const port = freePort();
  const configuration = join(folder, "nginx.conf");
  writeFileSync(
    configuration,
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
     events { worker_connections 1024; }
     http {
       access_log off; sendfile on; keepalive_requests 1000000;
       client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
       uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
       types { image/jpeg jpg; }
       server {
         listen 127.0.0.1:${port}; root ${files};
         add_header Cache-Control "public, max-age=31536000, immutable";
         add_header X-Content-Type-Options nosniff;
       }
     }`,
  );
  return start([nginx, "-c", configuration, "-e", join(folder, "error.log")], { port, path: "/" });
}

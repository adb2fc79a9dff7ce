root        = "/srv/client-x"
domains     = ["client-x.example", "www.client-x.example"]   # first one is canonical
user        = "client-x"                 # default: the owner of root; never root
group       = "client-x"
python      = "/srv/client-x/venv/bin/python"   # default: venv, .venv, env under root, $VIRTUAL_ENV files, else the system's
settings    = "client_x.settings.production"    # DJANGO_SETTINGS_MODULE, default: as manage.py says
app         = "client_x.wsgi:application"       # WSGI or ASGI callable, default: from settings or wsgi.py
command     = ["bin/serve"]              # replaces gunicorn altogether; gets LISTEN_FDS
listen      = "127.0.0.1:8001"           # only for old setups that need TCP; default is the unix socket
environment = { DJANGO_DEBUG = "0" }
env_file    = "/etc/sandwich/client-x.env"      # secrets; 0600 is fine, only systemd reads it
credentials = { secret_key = "/etc/sandwich/secrets/client-x" }   # LoadCredential=
needs       = ["postgresql.service"]
admins      = ["alice", "@client-x"]     # may restart, read logs, run manage commands of this project only, without sudo
writable    = ["/srv/client-x/media", "/srv/client-x/db"]
hardening   = "default"                  # "strict" | "default" | "off"

gunicorn {
  workers = "auto"       # or a number; auto is stated in `plan` with the reason
  threads = 1
  worker_class = "sync"
  timeout = "30s"
  graceful_timeout = "30s"
  max_requests = 0
  max_requests_jitter = 0
  preload = false
  config = "gunicorn.conf.py"   # the project's own settings are chained, not lost
  args = []
}

static "/static/" {             # default: STATIC_URL/STATIC_ROOT and MEDIA_URL/MEDIA_ROOT of the settings
  root    = "/srv/client-x/static"
  domain  = "media.client-x.example"    # optional: serve it on a host name of its own, as the classic setup did
  max_age = "60s"               # hashed names (name.<hash>.ext, or listed in staticfiles.json) are immutable for a year
}

static "/media/" {
  root    = "/srv/client-x/media"
  uploads = true                # nosniff; html and svg only as attachment
}

internal "/protected/" {        # reachable only through X-Accel-Redirect / X-Sendfile
  root = "/srv/client-x/private"
}

proxy {
  max_body         = "25MB"
  timeout          = "60s"      # above gunicorn's, checked
  hold             = "30s"      # how long a request may wait for a restarting project
  in_flight        = 0          # 0: no cap
  buffer_requests  = true
  buffer_responses = true
  stream           = ["/events/"]
  compress         = true
  headers          = { "Referrer-Policy" = "same-origin" }
  error_pages      = { "503" = "/srv/client-x/503.html" }
  access_log       = "combined" # "json", "journal", "off"

  rate_limit "/accounts/login/" {
    per   = "ip"
    rate  = "10/m"
    burst = 20
  }

  access {
    allow           = ["10.0.0.0/8"]
    deny            = ["all"]
    basic_auth_file = "/etc/sandwich/client-x.htpasswd"
  }
}

redirect "old.client-x.example" {
  to     = "https://client-x.example"
  status = 301
}

tls {
  mode  = "auto"                # auto (ACME) | files (certificate, key) | internal | off
  email = "ops@client-x.example"
}

limits {                        # on the project's slice, workers included
  memory      = "512M"
  memory_high = "400M"
  cpu         = "150%"
  io_read     = "50M"
  io_write    = "20M"
  tasks       = 256
}

idle {                          # stop when unused, wake on the next request
  after = "30m"
}

worker "celery" {
  command = ["celery", "-A", "client_x", "worker"]
  count   = 2
  kind    = "celery"
}

timer "clearsessions" {
  command  = ["manage.py", "clearsessions"]
  schedule = "daily"
  jitter   = "10m"
}

release {
  steps  = [["manage.py", "migrate", "--noinput"], ["manage.py", "collectstatic", "--noinput"]]
  health = "/"
}

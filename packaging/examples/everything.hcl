root        = "/srv/client-x"
domains     = ["client-x.example", "www.client-x.example"] # the first one is canonical
user        = "client-x"                                   # default: the owner of root
group       = "client-x"
python      = "/srv/client-x/venv/bin/python"
settings    = "client_x.settings.production"
app         = "client_x.wsgi:application" # or command = ["bin/serve"]: anything that serves on LISTEN_FDS
listen      = "127.0.0.1:8001"            # only for old setups that need TCP
environment = { DJANGO_DEBUG = "0" }
env_file    = "/etc/sandwich/client-x.env"                      # secrets; only systemd reads it
credentials = { secret_key = "/etc/sandwich/secrets/client-x" } # a file for the application: LoadCredential=
needs       = ["postgresql.service"]
writable    = ["/srv/client-x/media", "/srv/client-x/db"]
admins      = ["alice", "@client-x"] # may manage this project without root
hardening   = "default"              # or "strict", "off"
permit      = ["neighbours"]         # may see the directories beside its own
overlap     = true                   # two generations may run at the same time, for a moment

gunicorn {
  workers             = "auto"
  threads             = 1
  worker_class        = "sync"
  timeout             = "30s"
  graceful_timeout    = "30s"
  max_requests        = 0
  max_requests_jitter = 0
  preload             = false
  config              = "gunicorn.conf.py" # your own settings, read before these
  args                = []
}

static "/static/" {
  root    = "/srv/client-x/static"
  domain  = "static.client-x.example" # a host name of its own, beside those of the project
  max_age = "60s"
}

static "/media/" {
  root    = "/srv/client-x/media"
  uploads = true
}

internal "/protected/" { # only the application can have these sent: X-Accel-Redirect, X-Sendfile
  root = "/srv/client-x/private"
}

proxy {
  max_body         = "25MB"
  timeout          = "60s"
  hold             = "30s" # how long a request may wait for a project that restarts
  in_flight        = 0     # requests at once; 0: no limit
  buffer_requests  = true
  buffer_responses = true
  stream           = ["/events/"] # neither is kept back here
  compress         = true         # text, for browsers that take it
  headers          = { "Referrer-Policy" = "same-origin" }
  error_pages      = { "503" = "/srv/client-x/503.html" }
  access_log       = "combined" # or "json", "journal", "off"

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
  mode  = "auto" # or "files" with certificate and key, "internal", "off"
  email = "ops@client-x.example"
  hsts  = "180d" # not said unless stated
}

idle {
  after = "30m" # without a request; the next one starts it again
}

limits {
  memory      = "512M"
  memory_high = "400M" # it is slowed down from there on
  cpu         = "150%"
  tasks       = 256
  io_read     = "50M" # bytes a second
  io_write    = "20M"
}

worker "celery" {
  command = ["celery", "-A", "client_x", "worker"]
  count   = 2
  kind    = "celery" # finishes its tasks when it is told to end
}

timer "clearsessions" {
  command  = ["manage.py", "clearsessions"]
  schedule = "daily" # or "Mon..Fri *-*-* 06:30", "every 5m"
  jitter   = "10m"
}

release {
  steps  = [["manage.py", "migrate", "--noinput"], ["manage.py", "collectstatic", "--noinput"]]
  health = "/"
}

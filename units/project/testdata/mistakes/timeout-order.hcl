root = "/srv/client-x"
gunicorn {
  timeout = "60s"
}
proxy {
  timeout = "60s"
}

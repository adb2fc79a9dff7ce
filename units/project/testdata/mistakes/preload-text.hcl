root = "/srv/client-x"
gunicorn {
  preload = "maybe"
}

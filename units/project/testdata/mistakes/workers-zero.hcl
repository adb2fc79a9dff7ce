root = "/srv/client-x"
gunicorn {
  workers = 0
}

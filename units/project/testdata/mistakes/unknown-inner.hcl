root = "/srv/client-x"
gunicorn {
  worker = 4
}

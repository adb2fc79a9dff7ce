root = "/srv/client-x"
gunicorn {
  threads = 1.5
}

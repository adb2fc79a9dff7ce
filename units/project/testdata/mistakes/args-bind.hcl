root = "/srv/client-x"
gunicorn {
  args = ["--bind=:80"]
}

root = "/srv/client-x"
worker "celery" {
  command = ["celery"]
  count   = 101
}

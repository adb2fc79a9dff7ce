root = "/srv/client-x"
worker "celery" {
  count = 2
}

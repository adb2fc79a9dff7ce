root = "/srv/client-x"
worker "celery" {
  command = []
}

root = "/srv/client-x"
worker "Celery" {
  command = ["celery"]
}

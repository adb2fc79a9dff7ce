root = "/srv/client-x"
worker "celery" {
  comand = ["celery"]
}

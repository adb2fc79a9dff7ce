root = "/srv/client-x"
worker "next" {
  command = ["celery"]
}

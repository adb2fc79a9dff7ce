root = "/srv/client-x"
worker "celery" {
  command = ["celery"]
  kind    = "sidekiq"
}

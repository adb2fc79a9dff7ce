root = "/srv/client-x"
worker "celery" {
  command     = ["celery"]
  stop_signal = "KILL"
}

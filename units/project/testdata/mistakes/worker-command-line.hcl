root = "/srv/client-x"
worker "celery" {
  command = ["celery -A client_x worker"]
}

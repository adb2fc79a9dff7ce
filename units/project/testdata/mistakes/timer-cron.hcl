root = "/srv/client-x"
timer "clearsessions" {
  command  = ["manage.py", "clearsessions"]
  schedule = "30 6 * * *"
}

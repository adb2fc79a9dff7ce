root = "/srv/client-x"
timer "clearsessions" {
  command  = ["manage.py", "clearsessions"]
  schedule = "daily; rm"
}

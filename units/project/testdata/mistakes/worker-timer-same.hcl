root = "/srv/client-x"
worker "mail" {
  command = ["manage.py", "send_mail"]
}

timer "mail" {
  command  = ["manage.py", "retry_mail"]
  schedule = "hourly"
}
